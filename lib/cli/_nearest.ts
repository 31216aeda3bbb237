/** How many letters a word may differ from the one that was meant. */
const MAX_DISTANCE = 2;

/** Nobody means a command by a longer word than this. */
const MAX_LENGTH = 32;

/** Counts the letters to insert, delete or replace on the way from one word to another. */
function distance(a: string, b: string): number {
  let row = [...b, ""].map((_, index) => index);
  for (const [i, left] of [...a].entries()) {
    const next = [i + 1];
    for (const [j, right] of [...b].entries()) {
      const replaced = (row[j] ?? 0) + (left === right ? 0 : 1);
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}

/** Finds the word that was meant; `undefined` when none is near. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  if (word.length > MAX_LENGTH) return undefined;
  const [first] = candidates
    .map((candidate) => ({ candidate, letters: distance(candidate, word) }))
    .filter(({ candidate, letters }) => letters <= MAX_DISTANCE && letters < candidate.length)
    .sort((a, b) => a.letters - b.letters);
  return first?.candidate;
}
