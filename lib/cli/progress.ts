import type { BlobEvent, CopyEvent } from "../model/events.ts";
import type { Operation } from "../bytes/operation.ts";
import type { Output } from "./output.ts";
import { formatSize } from "./size.ts";

const BAR_WIDTH = 24;
const REDRAW_MS = 80;

function shortDigest(digest: string): string {
  return digest.slice(digest.indexOf(":") + 1, digest.indexOf(":") + 13);
}

function bar(event: BlobEvent): string {
  const name = shortDigest(event.descriptor.digest);
  if (event.status !== "moving") {
    return `${name}  ${event.status.padEnd(BAR_WIDTH + 2)}  ${formatSize(event.total)}`;
  }
  const part = event.total === 0 ? 1 : event.current / event.total;
  const filled = Math.min(BAR_WIDTH, Math.floor(part * BAR_WIDTH));
  const drawn = "=".repeat(filled) + (filled < BAR_WIDTH ? ">" : "") +
    " ".repeat(Math.max(0, BAR_WIDTH - filled - 1));
  return `${name}  [${drawn}]  ${formatSize(event.current)} of ${formatSize(event.total)}`;
}

class Bars {
  readonly #output: Output;
  readonly #events = new Map<string, BlobEvent>();
  #drawn = 0;
  #last = 0;

  constructor(output: Output) {
    this.#output = output;
  }

  show(event: BlobEvent): void {
    this.#events.set(event.descriptor.digest, event);
    if (event.status === "moving" && Date.now() - this.#last < REDRAW_MS) return;
    this.draw();
  }

  draw(): void {
    this.#last = Date.now();
    const lines = [...this.#events.values()].map(bar);
    const up = this.#drawn > 0 ? `\x1b[${this.#drawn}A` : "";
    this.#output.draw(`${up}${lines.map((line) => `\x1b[2K${line}\n`).join("")}`);
    this.#drawn = lines.length;
  }
}

function plainLine(event: CopyEvent): string | undefined {
  if (event.type === "resolved") return `resolved ${event.reference} to ${event.descriptor.digest}`;
  if (event.type === "manifest") {
    return `${shortDigest(event.descriptor.digest)}  manifest  ${event.status}`;
  }
  if (event.status === "moving") return undefined;
  return `${shortDigest(event.descriptor.digest)}  blob  ${event.status}  ${
    formatSize(event.total)
  }`;
}

/**
 * Shows the progress of an operation: bars on a terminal, a line per finished blob elsewhere.
 *
 * @param operation The operation; its result is given back.
 * @param output Where to show it.
 * @returns The result of the operation.
 */
export async function showProgress<Result>(
  operation: Operation<Result, CopyEvent>,
  output: Output,
): Promise<Result> {
  const bars = new Bars(output);
  if (!output.quiet) {
    for await (const event of operation) {
      if (output.interactive && event.type === "blob") bars.show(event);
      const line = output.interactive ? undefined : plainLine(event);
      if (line !== undefined) output.note(line);
    }
    if (output.interactive) bars.draw();
  }
  return await operation;
}
