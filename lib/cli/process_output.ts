import process from "node:process";
import type { ByteStream } from "../model/bytes.ts";
import { LadingError } from "../model/errors.ts";
import { iterate } from "../bytes/iterate.ts";
import { freeChunk, ownsChunks } from "../bytes/lineage.ts";
import { inBatches } from "./_batches.ts";
import { UsageError } from "./_command.ts";
import { LiveLines } from "./_live_lines.ts";
import { escapeControls, oneLine } from "./_plain_text.ts";
import type { Output } from "./output.ts";

/** Thrown when nobody reads the answer any more. */
export class OutputClosedError extends Error {
  override name = "OutputClosedError";
}

/** Lines are written together up to this many characters: a write costs more than a line. */
const BATCH_CHARACTERS = 16 * 1024;

/** Writes to stdout and waits until it is taken. */
async function write(chunk: string | Uint8Array): Promise<void> {
  try {
    // Deno throws what the others give to the callback.
    await new Promise<void>((resolve, reject) => {
      process.stdout.write(chunk, (error) => error ? reject(error) : resolve());
    });
  } catch (error) {
    throw writeError(error);
  }
}

function writeError(error: unknown): Error {
  const { code, message } = error as { readonly code?: unknown; readonly message?: unknown };
  if (code === "EPIPE") return new OutputClosedError("nobody reads the answer", { cause: error });
  const reason = code === "ENOSPC" ? "there is no space left" : String(message);
  return new LadingError("OUTPUT_FAILED", `Cannot write the answer: ${reason}`, { cause: error });
}

async function writeLines(texts: AsyncIterable<string>): Promise<void> {
  let batch = "";
  for await (const text of texts) {
    batch += `${escapeControls(text)}\n`;
    if (batch.length < BATCH_CHARACTERS) continue;
    await write(batch);
    batch = "";
  }
  if (batch !== "") await write(batch);
}

async function writeBytes(content: ByteStream | Uint8Array): Promise<void> {
  if (content instanceof Uint8Array) {
    refuseOnTerminal(content);
    return await write(content);
  }
  const done = ownsChunks(content) ? freeChunk : () => {};
  // What a terminal shows comes as it comes.
  const isTerminal = process.stdout.isTTY === true;
  let isFirst = true;
  for await (const chunk of isTerminal ? iterate(content) : inBatches(iterate(content), done)) {
    if (isFirst) refuseOnTerminal(chunk);
    isFirst = false;
    await write(chunk);
    if (isTerminal) done(chunk);
  }
}

function refuseOnTerminal(chunk: Uint8Array): void {
  if (process.stdout.isTTY !== true || !chunk.includes(0)) return;
  throw new UsageError("the answer is binary; send it to a file or a pipe");
}

function progressStyle(isQuiet: boolean): Output["progress"] {
  if (isQuiet) return "none";
  const { CI = "", TERM } = process.env;
  const isTerminal = process.stderr.isTTY === true;
  if (isTerminal && TERM !== "dumb" && CI === "") return "display";
  return isTerminal || CI !== "" ? "lines" : "none";
}

/**
 * Makes the output of this process.
 *
 * @param options `quiet` silences everything on stderr but errors.
 * @returns The output.
 */
export function processOutput(options: { readonly quiet: boolean }): Output {
  const { quiet } = options;
  const progress = progressStyle(quiet);
  const live = progress === "display" ? new LiveLines(process.stderr) : undefined;
  const warned = new Set<string>();
  const print = (text: string): void => {
    if (live === undefined) process.stderr.write(`${text}\n`);
    else live.print(text);
  };
  return {
    progress,
    line: (text) => write(`${escapeControls(text)}\n`),
    lines: writeLines,
    text: write,
    json: (value) => write(`${JSON.stringify(value, null, 2)}\n`),
    bytes: writeBytes,
    note(text) {
      if (!quiet) print(oneLine(text));
    },
    warn(text) {
      if (quiet || warned.has(text)) return;
      warned.add(text);
      print(oneLine(`warning: ${text}`));
    },
    fail(text) {
      live?.show([]);
      print(oneLine(`lading: ${text}`));
    },
    show: (lines) => live?.show(lines),
  };
}
