import type { Bytes } from "../model/bytes.ts";
import { InvalidTarError, LimitExceededError } from "../model/errors.ts";
import { SECOND_NS } from "./nanoseconds.ts";
import { shortText } from "./_short_text.ts";

/** The most bytes of one pax header: Go's limit, and far more than any file system's metadata. */
export const MAX_PAX_BYTES: number = 1 << 20;

/** The most records of one pax header. */
export const MAX_PAX_RECORDS = 4096;

/** Times are 64-bit numbers of seconds wherever they can be set. */
export const MAX_SECONDS: bigint = 2n ** 63n - 1n;

const encoder = new TextEncoder();

const NO_NUL_KEYS = new Set(["path", "linkpath", "uname", "gname"]);

/** Records of pax headers, in the order of the archive. A later record of a key replaces it. */
export type PaxRecords = ReadonlyMap<string, Bytes>;

/** What most entries have. */
export const NO_RECORDS: PaxRecords = new Map();

/** One record, and where it ends. */
export interface PaxRecord {
  readonly key: string;
  readonly value: Bytes;
  readonly end: number;
}

/** Reads the record at `start` (POSIX.1-2017, pax extended header). */
export function parsePaxRecord(
  body: Bytes,
  start: number,
  fail: (what: string) => never,
): PaxRecord {
  const space = body.indexOf(0x20, start);
  const length = recordLength(body, start, space);
  if (length === 0) fail("a record has no length");
  const end = start + length;
  if (end > body.length || end <= space + 1) fail("a record has a wrong length");
  if (body[end - 1] !== 0x0a) fail("a record does not end in a newline");
  const equals = body.indexOf(0x3d, space + 1);
  if (equals < 0 || equals >= end) fail("a record has no `=`");
  const key = shortText(body, space + 1, equals);
  const value = body.slice(equals + 1, end - 1);
  if (key === "" || key.includes("\0")) fail("a record has a bad key");
  if (NO_NUL_KEYS.has(key) && value.includes(0)) fail(`${key} holds a NUL`);
  return { key, value, end };
}

/** Reads the length of a record; 0 when it is none. */
function recordLength(body: Bytes, start: number, end: number): number {
  let length = 0;
  for (let at = start; at < end; at++) {
    const digit = (body[at] ?? 0) - 0x30;
    if (digit < 0 || digit > 9 || digit + length === 0) return 0;
    length = length * 10 + digit;
  }
  return length;
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
    // Blank lines are taken; NULs are not: some readers stop there, and what is behind is hidden.
    if (body[at] === 0x0a) {
      at++;
      continue;
    }
    const { key, value, end } = parsePaxRecord(body, at, fail);
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
      // A comma would make one number two.
      if (value.includes(0x2c)) fail("a sparse map holds a number that is none");
      sparse.push(shortText(value));
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

/** Picks records by their keys. */
export function pickRecords(records: PaxRecords, isWanted: (key: string) => boolean): PaxRecords {
  // Most entries have none.
  if (records.size === 0) return NO_RECORDS;
  let picked: Map<string, Bytes> | undefined;
  for (const [key, value] of records) {
    if (isWanted(key)) (picked ??= new Map()).set(key, value);
  }
  return picked ?? NO_RECORDS;
}

/** Reads a pax number that must be a whole one. */
export function paxInteger(value: Bytes, what: string, offset: number): number {
  const text = shortText(value);
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
  const found = /^(-?)([0-9]{1,19})(?:\.([0-9]*))?$/.exec(shortText(value));
  if (found === null || BigInt(found[2] ?? 0) > MAX_SECONDS) {
    throw new InvalidTarError(`Cannot read the pax header at byte ${offset}: bad ${what}`, {
      offset,
    });
  }
  const [, sign = "", seconds = "0", fraction = ""] = found;
  const ns = BigInt(seconds) * SECOND_NS + BigInt(fraction.slice(0, 9).padEnd(9, "0"));
  return sign === "-" ? -ns : ns;
}

/**
 * Writes a record; `undefined` when it could not be read again: a key that is empty or holds `=` or
 * a NUL, a name with a NUL.
 */
export function formatPaxRecord(key: string, value: Uint8Array): Bytes | undefined {
  const isKey = key !== "" && !/[=\0]/.test(key);
  if (!isKey || NO_NUL_KEYS.has(key) && value.includes(0)) return undefined;
  const rest = encoder.encode(` ${key}=`);
  const body = rest.length + value.length + 1;
  let length = body + String(body).length;
  if (String(length).length + body !== length) length = body + String(length).length;
  const record = new Uint8Array(length);
  const digits = encoder.encode(String(length));
  record.set(digits);
  record.set(rest, digits.length);
  record.set(value, digits.length + rest.length);
  record[length - 1] = 0x0a;
  return record;
}

/** Writes a time given in nanoseconds since 1970. */
export function formatPaxTime(ns: bigint): string {
  const seconds = ns / SECOND_NS;
  const fraction = ns % SECOND_NS;
  const sign = ns < 0n ? "-" : "";
  const whole = seconds < 0n ? -seconds : seconds;
  const digits = (fraction < 0n ? -fraction : fraction).toString().padStart(9, "0").replace(
    /0+$/,
    "",
  );
  return digits === "" ? `${sign}${whole}` : `${sign}${whole}.${digits}`;
}
