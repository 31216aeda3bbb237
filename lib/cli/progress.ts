import type { CopyEvent } from "../model/events.ts";
import type { Operation } from "../bytes/operation.ts";
import type { Output } from "./output.ts";
import { formatSize } from "./size.ts";
import { shortDigest, TransferDisplay } from "./_transfer_display.ts";

/** How often the display is drawn: smooth for the eye, nothing for the machine. */
const REDRAW_MS = 100;

/**
 * Shows the progress of an operation as the output wants it: a display on a terminal, a line for
 * everything that is finished in CI, or nothing.
 *
 * @param operation The operation; its result is given back.
 * @param output Where to show it.
 * @returns The result of the operation.
 */
export async function showProgress<Result>(
  operation: Operation<Result, CopyEvent>,
  output: Output,
): Promise<Result> {
  if (output.progress === "display") return await showDisplay(operation, output);
  if (output.progress === "lines") {
    for await (const event of operation) {
      const line = plainLine(event);
      if (line !== undefined) output.note(line);
    }
  }
  return await operation;
}

async function showDisplay<Result>(
  operation: Operation<Result, CopyEvent>,
  output: Output,
): Promise<Result> {
  const display = new TransferDisplay();
  // By the clock and not by events, so that a stall is seen as one.
  const timer = setInterval(() => output.show(display.lines(Date.now())), REDRAW_MS);
  try {
    for await (const event of operation) {
      if (event.type === "blob") display.add(event, Date.now());
    }
    return await operation;
  } finally {
    clearInterval(timer);
    output.show([]);
  }
}

function plainLine(event: CopyEvent): string | undefined {
  if (event.type === "resolved") return `resolved ${event.reference} to ${event.descriptor.digest}`;
  const name = shortDigest(event.descriptor.digest);
  if (event.type === "manifest") return `${name}  manifest  ${event.status}`;
  if (event.status === "moving") return undefined;
  return `${name}  blob  ${event.status}  ${formatSize(event.total)}`;
}
