// Compares texts line by line, as diff -u does: E. W. Myers, "An O(ND) Difference Algorithm and Its
// Variations" (1986), the greedy one.

/** A line that is in both texts, or in one of them only. */
interface DiffLine {
  readonly sign: " " | "-" | "+";
  readonly text: string;
}

/** The most lines that a shortest edit is looked for; keeping its steps takes 16 MB then. */
const MAX_EDITS = 2000;

/** How many lines that are alike are shown around those that are not. */
const CONTEXT = 3;

/** One of the texts. */
export interface DiffSide {
  readonly name: string;
  readonly lines: readonly string[];
}

/** Writes a unified diff; nothing when the lines are the same. */
export function unifiedDiff(before: DiffSide, after: DiffSide): string[] {
  const hunks = hunksOf(diffLines(before.lines, after.lines));
  return hunks.length === 0 ? [] : [`--- ${before.name}`, `+++ ${after.name}`, ...hunks];
}

/** Lists the lines of both texts, those of the first one only before those of the second one only. */
function diffLines(before: readonly string[], after: readonly string[]): DiffLine[] {
  let start = 0;
  while (start < before.length && before[start] === after[start]) start++;
  let [endBefore, endAfter] = [before.length, after.length];
  while (endBefore > start && endAfter > start && before[endBefore - 1] === after[endAfter - 1]) {
    endBefore--;
    endAfter--;
  }
  const [left, right] = [before.slice(start, endBefore), after.slice(start, endAfter)];
  return [
    ...signed(" ", before.slice(0, start)),
    ...shortestEdit(left, right) ?? [...signed("-", left), ...signed("+", right)],
    ...signed(" ", before.slice(endBefore)),
  ];
}

function signed(sign: DiffLine["sign"], texts: readonly string[]): DiffLine[] {
  return texts.map((text) => ({ sign, text }));
}

/** How far paths of so many edits get in the first text, by their diagonals. */
class Frontier {
  readonly #edits: number;
  readonly #reached: Int32Array;

  constructor(edits: number) {
    this.#edits = edits;
    this.#reached = new Int32Array(edits + 1).fill(-1);
  }

  /** The diagonals of so many edits are every other one from `-edits` to `edits`. */
  get(diagonal: number): number {
    return this.#reached[(diagonal + this.#edits) / 2] ?? -1;
  }

  set(diagonal: number, x: number): void {
    this.#reached[(diagonal + this.#edits) / 2] = x;
  }
}

/** Tells whether a path gets to a diagonal by putting a line in, and not by taking one out. */
function isInserted(before: Frontier, edits: number, diagonal: number): boolean {
  return diagonal === -edits ||
    diagonal !== edits && before.get(diagonal - 1) < before.get(diagonal + 1);
}

/** Finds the fewest lines to take out and to put in; nothing when they are too many. */
function shortestEdit(left: readonly string[], right: readonly string[]): DiffLine[] | undefined {
  const frontiers: Frontier[] = [];
  let last = new Frontier(0);
  for (let edits = 0; edits <= MAX_EDITS; edits++) {
    const frontier = new Frontier(edits);
    for (let diagonal = -edits; diagonal <= edits; diagonal += 2) {
      const isDown = isInserted(last, edits, diagonal);
      let x = edits === 0 ? 0 : isDown ? last.get(diagonal + 1) : last.get(diagonal - 1) + 1;
      while (x < left.length && left[x] === right[x - diagonal]) x++;
      frontier.set(diagonal, x);
      if (x === left.length && x - diagonal === right.length) {
        return walkBack(left, right, frontiers);
      }
    }
    frontiers.push(frontier);
    last = frontier;
  }
  return undefined;
}

/** Lists the lines along the path that ends after both texts. */
function walkBack(
  left: readonly string[],
  right: readonly string[],
  frontiers: readonly Frontier[],
): DiffLine[] {
  const found: DiffLine[] = [];
  let [x, diagonal] = [left.length, left.length - right.length];
  const keepTo = (start: number) => {
    while (x > start) found.push({ sign: " ", text: left[--x] ?? "" });
  };
  for (let edits = frontiers.length; edits > 0; edits--) {
    const before = frontiers[edits - 1] ?? new Frontier(0);
    if (isInserted(before, edits, diagonal)) {
      keepTo(before.get(++diagonal));
      found.push({ sign: "+", text: right[x - diagonal] ?? "" });
    } else {
      keepTo(before.get(--diagonal) + 1);
      found.push({ sign: "-", text: left[--x] ?? "" });
    }
  }
  keepTo(0);
  return found.reverse();
}

/** Writes the lines that are not alike, with those around them. */
function hunksOf(lines: readonly DiffLine[]): string[] {
  const hunks: string[] = [];
  let position = 0;
  let [before, after] = [0, 0];
  for (const [start, end] of rangesOf(lines)) {
    before += start - position;
    after += start - position;
    const hunk = lines.slice(start, end);
    const inBefore = hunk.filter(({ sign }) => sign !== "+").length;
    const inAfter = hunk.filter(({ sign }) => sign !== "-").length;
    hunks.push(`@@ -${spanOf(before, inBefore)} +${spanOf(after, inAfter)} @@`);
    for (const { sign, text } of hunk) hunks.push(`${sign}${text}`);
    position = end;
    before += inBefore;
    after += inAfter;
  }
  return hunks;
}

/** Finds where lines are to be shown: those closer together than twice the context are one hunk. */
function rangesOf(lines: readonly DiffLine[]): [number, number][] {
  const ranges: [number, number][] = [];
  lines.forEach(({ sign }, at) => {
    if (sign === " ") return;
    const [start, end] = [Math.max(0, at - CONTEXT), Math.min(lines.length, at + CONTEXT + 1)];
    const last = ranges.at(-1);
    if (last === undefined || start > last[1]) ranges.push([start, end]);
    else last[1] = end;
  });
  return ranges;
}

/** Counts lines in the head of a hunk: the first one and how many; of none, the one before. */
function spanOf(before: number, count: number): string {
  if (count === 1) return `${before + 1}`;
  return `${count === 0 ? before : before + 1},${count}`;
}
