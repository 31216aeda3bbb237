import { concatBytes } from "../bytes/concat.ts";
import { iterate } from "../bytes/iterate.ts";
import type { Bytes, ByteStream } from "../model/bytes.ts";
import { LimitExceededError } from "../model/errors.ts";
import { isJSONObject, type JSONObject } from "../model/json_object.ts";
import { printable } from "../model/redact.ts";

/**
 * The longest message. Engines write the output of a whole build step, or of a quiet build that
 * failed, as one.
 */
export const MAX_MESSAGE_BYTES: number = 16 * 1024 * 1024;

/** How deep a message may be nested: those of engines are three levels deep. */
const MAX_DEPTH = 64;

const [QUOTE, BACKSLASH] = [0x22, 0x5c];
const OPENING: ReadonlySet<number> = new Set([0x7b, 0x5b]);
const CLOSING: ReadonlySet<number> = new Set([0x7d, 0x5d]);
const SPACE: ReadonlySet<number> = new Set([0x20, 0x09, 0x0a, 0x0d, 0x0b, 0x0c]);

/** How far something of a message has progressed. */
export interface MessageProgress {
  /** How much is done. */
  readonly current?: number | undefined;
  /** How much there is. */
  readonly total?: number | undefined;
  /** What is counted; bytes when it is not named. */
  readonly units?: string | undefined;
}

/** A message of an engine about its work (moby, api/types/jsonstream). */
export interface EngineMessage {
  /** Output of a build or of a load. */
  readonly stream?: string | undefined;
  /** What is done. */
  readonly status?: string | undefined;
  /** What it is done to: the short ID of a layer, a tag, or the kind of `aux`. */
  readonly id?: string | undefined;
  /** How far it is. */
  readonly progress?: MessageProgress | undefined;
  /** What went wrong. */
  readonly error?: MessageError | undefined;
  /** More data, of any shape. */
  readonly aux?: unknown;
}

/** The error in a message. */
export interface MessageError {
  /** The words of the engine. */
  readonly message: string;
  /** Its code, such as the exit code of a build step. */
  readonly code: number | undefined;
}

/**
 * Reads the messages of an engine from its answer: JSON objects one after the other, with or without
 * line breaks, cut anywhere, also within a character. Empty objects and lists are passed over, as
 * engines write such after downloads.
 *
 * @param stream The body of the answer; leaving the loop early cancels it.
 * @returns The messages.
 * @throws {SyntaxError} when there is something else in it, or when it ends within a message.
 * @throws {LimitExceededError} when a message is longer than {@linkcode MAX_MESSAGE_BYTES} or nested
 * deeper than 64 levels.
 */
export async function* decodeMessages(
  stream: ByteStream,
): AsyncGenerator<EngineMessage, void, undefined> {
  const splitter = new Splitter();
  for await (const chunk of iterate(stream)) {
    for (const raw of splitter.split(chunk)) {
      const message = parseMessage(raw);
      if (message !== undefined) yield message;
    }
  }
  splitter.end();
}

/** Finds where one value ends and the next begins; the bytes that matter are never within a character. */
class Splitter {
  #parts: Bytes[] = [];
  #length = 0;
  #depth = 0;
  #isText = false;
  #isEscaped = false;

  *split(chunk: Bytes): Generator<Bytes, void, undefined> {
    let start = 0;
    for (let at = 0; at < chunk.length; at++) {
      const code = chunk[at] ?? 0;
      if (this.#depth === 0) {
        if (SPACE.has(code)) start = at + 1;
        else if (OPENING.has(code)) [start, this.#depth] = [at, 1];
        else throw unreadable(chunk.subarray(at));
      } else if (this.#isText) {
        if (this.#isEscaped) this.#isEscaped = false;
        else if (code === BACKSLASH) this.#isEscaped = true;
        else if (code === QUOTE) this.#isText = false;
      } else if (code === QUOTE) {
        this.#isText = true;
      } else if (OPENING.has(code)) {
        if (++this.#depth > MAX_DEPTH) throw tooMuch(MAX_DEPTH, "levels");
      } else if (CLOSING.has(code) && --this.#depth === 0) {
        this.#keep(chunk.subarray(start, at + 1));
        yield concatBytes(this.#parts);
        [this.#parts, this.#length, start] = [[], 0, at + 1];
      }
    }
    if (this.#depth > 0) this.#keep(chunk.slice(start));
  }

  end(): void {
    if (this.#depth === 0) return;
    throw new SyntaxError("the answer ended within a message");
  }

  #keep(part: Bytes): void {
    this.#length += part.length;
    if (this.#length > MAX_MESSAGE_BYTES) throw tooMuch(MAX_MESSAGE_BYTES, "bytes");
    this.#parts.push(part);
  }
}

function tooMuch(limit: number, unit: string): LimitExceededError {
  return new LimitExceededError(
    `Cannot read the engine's answer: a message has more than ${limit} ${unit}`,
    { limit, unit },
  );
}

function unreadable(bytes: Uint8Array): SyntaxError {
  const shown = printable(new TextDecoder().decode(bytes.subarray(0, 200)), 80);
  return new SyntaxError(`the answer has no message where one belongs: ${JSON.stringify(shown)}`);
}

/** Parses a message; `undefined` for one that says nothing. */
function parseMessage(raw: Bytes): EngineMessage | undefined {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(raw));
  } catch {
    throw unreadable(raw);
  }
  if (!isJSONObject(value) || Object.keys(value).length === 0) return undefined;
  return {
    ...text(value, "stream"),
    ...text(value, "status"),
    ...text(value, "id"),
    ...(isJSONObject(value["progressDetail"])
      ? { progress: progress(value["progressDetail"]) }
      : {}),
    ...error(value),
    ...(value["aux"] === undefined || value["aux"] === null ? {} : { aux: value["aux"] }),
  };
}

function text(value: JSONObject, name: "stream" | "status" | "id"): EngineMessage {
  const found = value[name];
  return typeof found === "string" ? { [name]: found } : {};
}

function progress(value: JSONObject): MessageProgress {
  const { current, total, units } = value;
  return {
    ...(typeof current === "number" ? { current } : {}),
    // Engines write 0, or -1, where they do not know.
    ...(typeof total === "number" && total > 0 ? { total } : {}),
    ...(typeof units === "string" && units !== "" ? { units } : {}),
  };
}

function error(value: JSONObject): { readonly error?: MessageError } {
  const { error: plain, errorDetail } = value;
  const said = typeof plain === "string" ? plain : "";
  if (!isJSONObject(errorDetail)) {
    return plain === undefined || plain === null || plain === "" ? {} : {
      error: { message: said, code: undefined },
    };
  }
  const { message, code } = errorDetail;
  return {
    error: {
      message: typeof message === "string" && message !== "" ? message : said,
      code: typeof code === "number" ? code : undefined,
    },
  };
}
