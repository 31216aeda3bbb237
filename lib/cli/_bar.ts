import { formatSize } from "./size.ts";

const BAR_WIDTH = 24;

/** Draws how much of something is done. */
export function bar(current: number, total: number): string {
  const part = total === 0 ? 1 : Math.min(1, current / total);
  const filled = Math.floor(part * BAR_WIDTH);
  const line = `${"=".repeat(filled)}${filled < BAR_WIDTH ? ">" : ""}`.padEnd(BAR_WIDTH);
  return `[${line}]  ${formatSize(current)} of ${formatSize(total)}`;
}
