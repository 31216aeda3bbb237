const [BACKSLASH, OPENING, CLOSING, CARET, DASH] = ["\\", "[", "]", "^", "-"];

/**
 * Tells whether Go's `filepath.Match` takes a pattern, which moby asks before it goes its own way.
 *
 * @param pattern A cleaned pattern.
 */
export function isGlob(pattern: string): boolean {
  const characters = [...pattern];
  let at = 0;
  while (at < characters.length) {
    const character = characters[at];
    if (character === BACKSLASH) {
      if (at + 1 === characters.length) return false;
      at += 2;
    } else if (character === OPENING) {
      const end = endOfClass(characters, at + 1);
      if (end === undefined) return false;
      at = end;
    } else {
      at++;
    }
  }
  return true;
}

/** Finds what follows a class; `undefined` when it is none. */
function endOfClass(characters: readonly string[], start: number): number | undefined {
  let at: number | undefined = characters[start] === CARET ? start + 1 : start;
  for (let ranges = 0; at !== undefined; ranges++) {
    if (ranges > 0 && characters[at] === CLOSING) return at + 1;
    at = afterBound(characters, at);
    if (at !== undefined && characters[at] === DASH) at = afterBound(characters, at + 1);
  }
  return undefined;
}

/** Passes one end of a range over. Something has to follow it, and the rest of the class does. */
function afterBound(characters: readonly string[], start: number): number | undefined {
  const first = characters[start];
  if (first === undefined || first === DASH || first === CLOSING) return undefined;
  const last = first === BACKSLASH ? start + 1 : start;
  return last + 1 < characters.length ? last + 1 : undefined;
}
