import { InvalidReferenceError } from "./errors.ts";
import { familiarName, familiarReference, type Reference } from "./reference.ts";

/** The longest pattern: matching takes time in proportion to pattern times name. */
const MAX_PATTERN_LENGTH = 512;

/** One step of a pattern: any run of characters but `/`, or a set that one character is in. */
type Step = "star" | ((character: string) => boolean);

function refuse(pattern: string, reason: string): never {
  throw new InvalidReferenceError(
    `Cannot read pattern ${JSON.stringify(pattern.slice(0, 256))}: ${reason}`,
    { input: pattern },
  );
}

/** Reads `[a-z]`, `[^a-z]` from behind the bracket; gives the set and the index behind it. */
function readClass(pattern: string, start: number): [Step, number] {
  const isNegated = pattern.charAt(start) === "^";
  const ranges: [string, string][] = [];
  let i = isNegated ? start + 1 : start;
  const character = (): string => {
    if (pattern.charAt(i) === "\\") i++;
    else if (pattern.charAt(i) === "-" || pattern.charAt(i) === "]") refuse(pattern, "a bad range");
    return pattern.charAt(i++) || refuse(pattern, "a bracket does not end");
  };
  while (ranges.length === 0 || pattern.charAt(i) !== "]") {
    const low = character();
    if (pattern.charAt(i) !== "-") {
      ranges.push([low, low]);
      continue;
    }
    i++;
    ranges.push([low, character()]);
  }
  const isIn = (text: string): boolean =>
    ranges.some(([low, high]) => low <= text && text <= high) !== isNegated;
  return [isIn, i + 1];
}

function readPattern(pattern: string): Step[] {
  if (pattern.length > MAX_PATTERN_LENGTH) {
    refuse(pattern, `longer than ${MAX_PATTERN_LENGTH} characters`);
  }
  const steps: Step[] = [];
  for (let i = 0; i < pattern.length;) {
    const mark = pattern.charAt(i++);
    if (mark === "*") {
      if (steps.at(-1) !== "star") steps.push("star");
    } else if (mark === "?") {
      steps.push((character) => character !== "/");
    } else if (mark === "[") {
      const [step, next] = readClass(pattern, i);
      steps.push(step);
      i = next;
    } else {
      const literal = mark === "\\" ? pattern.charAt(i++) : mark;
      if (literal === "") refuse(pattern, "it ends in a backslash");
      steps.push((character) => character === literal);
    }
  }
  return steps;
}

/** Follows all ways through the pattern at once: no way is tried twice. */
function isMatch(steps: readonly Step[], text: string): boolean {
  let states = withStars(steps, new Set([0]));
  for (const character of text) {
    const next = new Set<number>();
    for (const state of states) {
      const step = steps[state];
      if (step === "star" ? character !== "/" : step?.(character)) {
        next.add(step === "star" ? state : state + 1);
      }
    }
    states = withStars(steps, next);
  }
  return states.has(steps.length);
}

/** Adds the states behind stars, which may stand for nothing; a set also visits what is added. */
function withStars(steps: readonly Step[], states: Set<number>): Set<number> {
  for (const state of states) if (steps[state] === "star") states.add(state + 1);
  return states;
}

/**
 * Tells whether a reference matches a shell pattern, as `docker images --filter reference=` does:
 * `*` and `?` match all but `/`, `[a-z]` and `[^a-z]` one character. The pattern is compared with
 * the familiar form, with and without tag and digest.
 *
 * @param pattern A pattern of at most 512 characters, such as `ghcr.io/owner/*`.
 * @param reference A reference.
 * @returns Whether it matches.
 * @throws {InvalidReferenceError} when the pattern cannot be read.
 */
export function matchReference(pattern: string, reference: Reference): boolean {
  const steps = readPattern(pattern);
  return isMatch(steps, familiarReference(reference)) || isMatch(steps, familiarName(reference));
}
