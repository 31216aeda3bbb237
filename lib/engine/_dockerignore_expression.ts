import {
  type CharacterTest,
  isWord,
  parseCharacter,
  parseClass,
  parseSet,
} from "./_dockerignore_class.ts";

/** A step of an expression. */
type Step =
  /** Takes one character, or with `repeats` any number. */
  | { readonly kind: "take"; readonly test: CharacterTest; readonly repeats: boolean }
  /** Takes nothing, or everything up to a slash. */
  | { readonly kind: "directories" }
  /** Takes nothing, and looks at what is on both sides. */
  | {
    readonly kind: "look";
    readonly test: (before: number | undefined, after: number | undefined) => boolean;
  };

const NEWLINE = 0x0a;
const SLASH = 0x2f;

/** The group that stands for any number of directories. */
const DIRECTORIES = "(.*/)?";

/**
 * Compiles the regular expressions of Go that moby makes of patterns; there are no others. The
 * expression is followed on all ways at once, so a text takes time by its length times that of the
 * expression, whatever it says; the regular expressions of JavaScript try one way after the other.
 *
 * @param source An expression.
 * @returns Whether a text matches.
 * @throws {SyntaxError} when Go would not compile it.
 */
export function compileExpression(source: string): (text: string) => boolean {
  const steps = parseSteps([...source]);
  return (text) => follow(steps, [...text].map((character) => character.codePointAt(0) ?? 0));
}

function parseSteps(characters: readonly string[]): readonly Step[] {
  const steps: Step[] = [];
  const take = (test: CharacterTest, end: number): number => {
    const repeats = characters[end] === "*";
    steps.push({ kind: "take", test, repeats });
    return repeats ? end + 1 : end;
  };
  let at = 0;
  while (at < characters.length) {
    const character = characters[at];
    const escaped = character === "\\" ? characters[at + 1] ?? "" : "";
    const look = character === "^" || escaped === "A"
      ? isBegin
      : character === "$" || escaped === "z"
      ? isEnd
      : escaped === "b" || escaped === "B"
      ? isBoundary(escaped === "b")
      : undefined;
    if (look !== undefined) {
      steps.push({ kind: "look", test: look });
      at += escaped === "" ? 1 : 2;
    } else if (character === "(") {
      steps.push({ kind: "directories" });
      at += DIRECTORIES.length;
    } else if (character === ".") {
      at = take((code) => code !== NEWLINE, at + 1);
    } else if (escaped === "Q") {
      const end = endOfQuote(characters, at + 2);
      for (const quoted of characters.slice(at + 2, end)) take(is(quoted.codePointAt(0)), -1);
      at = end + 2;
    } else if (character === "[") {
      const { value, end } = parseClass(characters, at + 1);
      at = take(value, end);
    } else {
      const set = parseSet(characters, at);
      const plain = set === undefined ? parseCharacter(characters, at) : undefined;
      at = take(set?.value ?? is(plain?.value), set?.end ?? plain?.end ?? at + 1);
    }
  }
  return steps;
}

function is(wanted: number | undefined): CharacterTest {
  return (code) => code === wanted;
}

function isBegin(before: number | undefined): boolean {
  return before === undefined;
}

function isEnd(_before: number | undefined, after: number | undefined): boolean {
  return after === undefined;
}

function isBoundary(wanted: boolean): (before?: number, after?: number) => boolean {
  return (before, after) => (isWord(before) !== isWord(after)) === wanted;
}

function endOfQuote(characters: readonly string[], start: number): number {
  let at = start;
  while (at < characters.length && !(characters[at] === "\\" && characters[at + 1] === "E")) at++;
  return at;
}

/** Where a way through an expression has got to; `isWithin` when it takes directories just now. */
class Ways {
  readonly #steps: readonly Step[];
  readonly #seen: Uint8Array;
  readonly #list: number[] = [];

  constructor(steps: readonly Step[]) {
    this.#steps = steps;
    this.#seen = new Uint8Array(2 * steps.length + 1);
  }

  get isEmpty(): boolean {
    return this.#list.length === 0;
  }

  get isThrough(): boolean {
    return this.#seen[2 * this.#steps.length] === 1;
  }

  clear(): void {
    for (const state of this.#list) this.#seen[state] = 0;
    this.#list.length = 0;
  }

  /** Goes to a step, and on to those that take nothing before they are passed. */
  add(at: number, before: number | undefined, after: number | undefined): void {
    for (let index = at;; index++) {
      if (!this.#mark(2 * index)) return;
      const step = this.#steps[index];
      if (step === undefined) return;
      if (step.kind === "look" && !step.test(before, after)) return;
      if (step.kind === "directories") this.#mark(2 * index + 1);
      if (step.kind === "take" && !step.repeats) return;
    }
  }

  /** Takes a character on all ways. */
  takeInto(next: Ways, code: number, after: number | undefined): void {
    for (const state of this.#list) {
      const index = state >> 1;
      const step = this.#steps[index];
      if (step?.kind === "take" && step.test(code)) {
        next.add(step.repeats ? index : index + 1, code, after);
      } else if (step?.kind === "directories" && state % 2 === 1) {
        if (code !== NEWLINE) next.#mark(state);
        if (code === SLASH) next.add(index + 1, code, after);
      }
    }
  }

  #mark(state: number): boolean {
    if (this.#seen[state] === 1) return false;
    this.#seen[state] = 1;
    this.#list.push(state);
    return true;
  }
}

function follow(steps: readonly Step[], codes: readonly number[]): boolean {
  let [ways, next] = [new Ways(steps), new Ways(steps)];
  ways.add(0, undefined, codes[0]);
  for (const [at, code] of codes.entries()) {
    if (ways.isEmpty) return false;
    next.clear();
    ways.takeInto(next, code, codes[at + 1]);
    [ways, next] = [next, ways];
  }
  return ways.isThrough;
}
