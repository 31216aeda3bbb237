import type { ByteStream } from "../model/bytes.ts";

/** Where a command writes: answers to stdout, everything else to stderr. */
export interface Output {
  /** How progress is shown: as a display on a terminal, line by line in CI, or not at all. */
  readonly progress: "display" | "lines" | "none";
  /** Writes a line of the answer; control characters are escaped. */
  line(text: string): Promise<void>;
  /** Writes lines of the answer as they come; control characters are escaped. */
  lines(texts: AsyncIterable<string>): Promise<void>;
  /** Writes a text of the answer, as it is. */
  text(text: string): Promise<void>;
  /** Writes a value as JSON. */
  json(value: unknown): Promise<void>;
  /** Writes bytes of the answer, as they are; a terminal gets no binary ones. */
  bytes(content: ByteStream | Uint8Array): Promise<void>;
  /** Writes a line to stderr unless the user asked for quiet. */
  note(text: string): void;
  /** Writes a warning to stderr, once, unless the user asked for quiet. */
  warn(text: string): void;
  /** Writes an error to stderr. */
  fail(text: string): void;
  /** Shows lines that change, in the place of those before. */
  show(lines: readonly string[]): void;
}
