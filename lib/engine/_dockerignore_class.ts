/** Tells whether a character belongs to something. */
export type CharacterTest = (code: number) => boolean;

/** Something of an expression, and where the next thing begins. */
export interface Parsed<Value> {
  readonly value: Value;
  readonly end: number;
}

/** Perl's classes are of ASCII only in Go. */
const PERL: Readonly<Record<string, RegExp>> = { d: /[0-9]/, s: /[\t\n\f\r ]/, w: /[0-9A-Za-z_]/ };

const POSIX: Readonly<Record<string, RegExp>> = {
  alnum: /[0-9A-Za-z]/,
  alpha: /[A-Za-z]/,
  // deno-lint-ignore no-control-regex
  ascii: /[\x00-\x7f]/,
  blank: /[\t ]/,
  // deno-lint-ignore no-control-regex
  cntrl: /[\x00-\x1f\x7f]/,
  digit: /[0-9]/,
  graph: /[!-~]/,
  lower: /[a-z]/,
  print: /[ -~]/,
  punct: /[!-/:-@[-`{-~]/,
  space: /[\t\n\v\f\r ]/,
  upper: /[A-Z]/,
  word: /[0-9A-Za-z_]/,
  xdigit: /[0-9A-Fa-f]/,
};

const CONTROLS: Readonly<Record<string, number>> = { a: 7, f: 12, n: 10, r: 13, t: 9, v: 11 };

function testOf(set: RegExp, isNegated: boolean): CharacterTest {
  return (code) => set.test(String.fromCodePoint(code)) !== isNegated;
}

/** Tells whether a character belongs to a word. */
export function isWord(code: number | undefined): boolean {
  return code !== undefined && PERL["w"]?.test(String.fromCodePoint(code)) === true;
}

/** Parses `\d` and `\pL` with their like; `undefined` when there is none of them. */
export function parseSet(
  characters: readonly string[],
  at: number,
): Parsed<CharacterTest> | undefined {
  const name = characters[at + 1] ?? "";
  if (characters[at] !== "\\") return undefined;
  const set = PERL[name.toLowerCase()];
  if (set !== undefined) {
    return { value: testOf(set, name !== name.toLowerCase()), end: at + 2 };
  }
  if (name !== "p" && name !== "P") return undefined;
  const category = characters[at + 2] ?? "";
  // A longer name would stand in braces, which are escaped before they get here.
  if (!/^[CLMNPSZ]$/.test(category)) throw new SyntaxError("no such category of characters");
  return { value: testOf(new RegExp(`\\p{${category}}`, "u"), name === "P"), end: at + 3 };
}

/** Parses one character, escaped or not. */
export function parseCharacter(characters: readonly string[], at: number): Parsed<number> {
  const character = characters[at];
  if (character === undefined) throw new SyntaxError("the expression ends too early");
  if (character !== "\\") return { value: character.codePointAt(0) ?? 0, end: at + 1 };
  const escaped = characters[at + 1] ?? "";
  const control = CONTROLS[escaped];
  if (control !== undefined) return { value: control, end: at + 2 };
  const rest = characters.slice(at + 1, at + 4).join("");
  const octal = /^(?:0[0-7]{0,2}|[1-7][0-7]{1,2})/.exec(rest)?.[0];
  if (octal !== undefined) return { value: parseInt(octal, 8), end: at + 1 + octal.length };
  const hexadecimal = /^x([0-9A-Fa-f]{2})/.exec(rest)?.[1];
  if (hexadecimal !== undefined) return { value: parseInt(hexadecimal, 16), end: at + 4 };
  // deno-lint-ignore no-control-regex
  if (!/^[\x00-\x7f]$/.test(escaped) || /[0-9A-Za-z]/.test(escaped)) {
    throw new SyntaxError("no such escape");
  }
  return { value: escaped.codePointAt(0) ?? 0, end: at + 2 };
}

/** Parses a class, from the character after its bracket on. */
export function parseClass(
  characters: readonly string[],
  start: number,
): Parsed<CharacterTest> {
  const isNegated = characters[start] === "^";
  let at = isNegated ? start + 1 : start;
  const tests: CharacterTest[] = [];
  for (let isFirst = true; isFirst || characters[at] !== "]"; isFirst = false) {
    const found = parseNamed(characters, at) ?? parseSet(characters, at) ??
      parseRange(characters, at);
    tests.push(found.value);
    at = found.end;
  }
  return {
    value: (code) => tests.some((test) => test(code)) !== isNegated,
    end: at + 1,
  };
}

function parseNamed(
  characters: readonly string[],
  at: number,
): Parsed<CharacterTest> | undefined {
  if (characters[at] !== "[" || characters[at + 1] !== ":") return undefined;
  let end = at + 2;
  while (end < characters.length && !(characters[end] === ":" && characters[end + 1] === "]")) {
    end++;
  }
  if (end === characters.length) return undefined;
  const name = characters.slice(at + 2, end).join("");
  const set = POSIX[name.replace(/^\^/, "")];
  if (set === undefined) throw new SyntaxError("no such class of characters");
  return { value: testOf(set, name.startsWith("^")), end: end + 2 };
}

function parseRange(characters: readonly string[], at: number): Parsed<CharacterTest> {
  const low = parseCharacter(characters, at);
  const isRange = characters[low.end] === "-" && characters[low.end + 1] !== "]" &&
    low.end + 1 < characters.length;
  const high = isRange ? parseCharacter(characters, low.end + 1) : low;
  if (high.value < low.value) throw new SyntaxError("a range ends before it begins");
  return { value: (code) => code >= low.value && code <= high.value, end: high.end };
}
