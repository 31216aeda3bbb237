import process from "node:process";
import type { ByteStream } from "../model/bytes.ts";
import { iterate } from "../bytes/iterate.ts";

/** Where a command writes: answers to stdout, everything else to stderr. */
export interface Output {
  /** Whether progress may redraw lines on stderr. */
  readonly interactive: boolean;
  /** Whether stderr may carry colour. */
  readonly color: boolean;
  /** Whether the user asked for nothing but errors. */
  readonly quiet: boolean;
  /** Writes a line of the answer. */
  line(text: string): Promise<void>;
  /** Writes a value as JSON. */
  json(value: unknown): Promise<void>;
  /** Writes bytes of the answer, as they are. */
  bytes(content: ByteStream | Uint8Array): Promise<void>;
  /** Writes a line to stderr unless the user asked for quiet. */
  note(text: string): void;
  /** Writes text to stderr, as it is. */
  draw(text: string): void;
}

function write(chunk: string | Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(chunk, (error) => error ? reject(error) : resolve());
  });
}

/**
 * Makes the output of this process.
 *
 * @param options `quiet` silences everything on stderr but errors.
 * @returns The output.
 */
export function processOutput(options: { readonly quiet: boolean }): Output {
  const tty = process.stderr.isTTY === true;
  const { CI, NO_COLOR, TERM } = process.env;
  const interactive = tty && CI === undefined && TERM !== "dumb" && !options.quiet;
  return {
    interactive,
    color: interactive && (NO_COLOR === undefined || NO_COLOR === ""),
    quiet: options.quiet,
    line: (text) => write(`${text}\n`),
    json: (value) => write(`${JSON.stringify(value, null, 2)}\n`),
    async bytes(content) {
      if (content instanceof Uint8Array) return await write(content);
      for await (const chunk of iterate(content)) await write(chunk);
    },
    note(text) {
      if (!options.quiet) process.stderr.write(`${text}\n`);
    },
    draw: (text) => {
      process.stderr.write(text);
    },
  };
}
