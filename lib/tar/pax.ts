import type { Bytes } from "../model/bytes.ts";
import { InvalidTarError, LimitExceededError } from "../model/errors.ts";

/** The most bytes of one pax header: Go's limit, and far more than any file system's metadata. */
export const MAX_PAX_BYTES: number = 1 << 20;

/** The most records of one pax header. */
export const MAX_PAX_RECORDS = 4096;

const NO_NUL_KEYS = new Set(["path", "linkpath", "uname", "gname"]);

/** Records of pax headers, in the order of the archive. A later record of a key replaces it. */
export type PaxRecords = ReadonlyMap<string, Bytes>;

interface Record {
  readonly key: string;
  readonly value: Bytes;
  readonly end: number;
}

function readRecord(body: Bytes, start: number, fail: (what: string) => never): Record {
  const space = body.indexOf(0x20, start);
  const digits = space < 0
    ? ""
    : String.fromCharCode(...body.subarray(start, Math.min(space, start + 11)));
  if (!/^[1-9][0-9]{0,8}$/.test(digits)) fail("a record has no length");
  const end = start + Number(digits);
  if (end > body.length || end <= space + 1) fail("a record has a wrong length");
  if (body[end - 1] !== 0x0a) fail("a record does not end in a newline");
  const equals = body.indexOf(0x3d, space + 1);
  if (equals < 0 || equals >= end) fail("a record has no `=`");
  const key = new TextDecoder().decode(body.subarray(space + 1, equals));
  const value = body.slice(equals + 1, end - 1);
  if (key === "" || key.includes("\0")) fail("a record has a bad key");
  if (NO_NUL_KEYS.has(key) && value.includes(0)) fail(`${key} holds a NUL`);
  return { key, value, end };
}

/**
 * Reads the records of a pax header (POSIX.1-2017, pax, extended header). Malformed records are
 * refused, never skipped: readers that skip them see other files than readers that do not.
 *
 * @param body The body of the `x`, `g` or `X` entry.
 * @param offset Where the entry starts, for errors.
 * @returns The records; GNU sparse 0.0 maps come together as one `GNU.sparse.map`.
 * @throws {InvalidTarError} when a record is malformed.
 * @throws {LimitExceededError} when there are too many.
 */
export function parsePax(body: Bytes, offset: number): Map<string, Bytes> {
  const fail = (what: string): never => {
    throw new InvalidTarError(`Cannot read the pax header at byte ${offset}: ${what}`, { offset });
  };
  const records = new Map<string, Bytes>();
  const sparse: string[] = [];
  let count = 0;
  for (let at = 0; at < body.length;) {
    // Blank lines and padding are accepted by every reader.
    if (body[at] === 0x0a) {
      at++;
      continue;
    }
    if (body[at] === 0) break;
    const { key, value, end } = readRecord(body, at, fail);
    at = end;
    if (++count > MAX_PAX_RECORDS * 32) {
      throw new LimitExceededError(
        `Cannot read the pax header at byte ${offset}: too many records`,
        {
          limit: MAX_PAX_RECORDS,
          unit: "records",
        },
      );
    }
    if (key === "GNU.sparse.offset" || key === "GNU.sparse.numbytes") {
      const wanted = sparse.length % 2 === 0 ? "GNU.sparse.offset" : "GNU.sparse.numbytes";
      if (key !== wanted) fail("a sparse map is out of order");
      sparse.push(new TextDecoder().decode(value));
      continue;
    }
    records.delete(key);
    records.set(key, value);
    if (records.size > MAX_PAX_RECORDS) {
      throw new LimitExceededError(
        `Cannot read the pax header at byte ${offset}: too many records`,
        {
          limit: MAX_PAX_RECORDS,
          unit: "records",
        },
      );
    }
  }
  if (sparse.length > 0) records.set("GNU.sparse.map", new TextEncoder().encode(sparse.join(",")));
  return records;
}

/** Reads a pax number that must be a whole one. */
export function paxInteger(value: Bytes, what: string, offset: number): number {
  const text = new TextDecoder().decode(value);
  const number = Number(text);
  if (!/^-?[0-9]{1,64}$/.test(text) || !Number.isSafeInteger(number)) {
    throw new InvalidTarError(`Cannot read the pax header at byte ${offset}: bad ${what}`, {
      offset,
    });
  }
  return number;
}

/** Reads a pax time in nanoseconds since 1970. */
export function paxTime(value: Bytes, what: string, offset: number): bigint {
  const found = /^(-?)([0-9]{1,18})(?:\.([0-9]*))?$/.exec(new TextDecoder().decode(value));
  if (found === null) {
    throw new InvalidTarError(`Cannot read the pax header at byte ${offset}: bad ${what}`, {
      offset,
    });
  }
  const [, sign = "", seconds = "0", fraction = ""] = found;
  const ns = BigInt(seconds) * 1_000_000_000n + BigInt(fraction.slice(0, 9).padEnd(9, "0"));
  return sign === "-" ? -ns : ns;
}
