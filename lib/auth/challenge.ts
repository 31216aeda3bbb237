/** One challenge of a `WWW-Authenticate` header (RFC 9110 §11.6.1). */
export interface Challenge {
  /** The scheme in lower case, such as `bearer`. */
  readonly scheme: string;
  /** The parameters by their names in lower case, unquoted; of a repeated one the first counts. */
  readonly parameters: ReadonlyMap<string, string>;
  /** The opaque text that some schemes carry in place of parameters. */
  readonly token68?: string | undefined;
}

/** Node refuses header sections above 16 KiB; a challenge of a registry takes some hundred bytes. */
export const MAX_CHALLENGE_HEADER_LENGTH = 16_384;

/** Registries send one or two; a proxy may add some. */
export const MAX_CHALLENGES = 8;

const TOKEN_REGEXP = /[!#$%&'*+\-.^_`|~0-9A-Za-z]*/y;
const TOKEN68_REGEXP = /[A-Za-z0-9\-._~+/]+=*(?=[ \t]*(?:,|$))/y;
const BARE_VALUE_REGEXP = /[^ \t,"]*/y;
const BLANK_REGEXP = /[ \t]*/y;
const SEPARATOR_REGEXP = /[ \t,]*/y;
const PLAIN_QUOTED_REGEXP = /[^"\\]*/y;

interface Scanner {
  readonly text: string;
  at: number;
}

function take(scanner: Scanner, pattern: RegExp): string {
  pattern.lastIndex = scanner.at;
  const found = pattern.exec(scanner.text)?.[0] ?? "";
  scanner.at += found.length;
  return found;
}

/** Takes a quoted string; `undefined` when its end is missing, and then the text is used up. */
function takeQuoted(scanner: Scanner): string | undefined {
  const { text } = scanner;
  const parts: string[] = [];
  scanner.at++;
  while (scanner.at < text.length) {
    parts.push(take(scanner, PLAIN_QUOTED_REGEXP));
    const mark = text.charAt(scanner.at);
    if (mark === '"') {
      scanner.at++;
      return parts.join("");
    }
    // A backslash: what is behind it stands for itself.
    parts.push(text.charAt(scanner.at + 1));
    scanner.at += 2;
  }
  scanner.at = text.length;
  return undefined;
}

/** Takes a scheme or a name. They are tokens, but some servers quote them all the same. */
function takeName(scanner: Scanner): string {
  const isQuoted = scanner.text.charAt(scanner.at) === '"';
  return (isQuoted ? takeQuoted(scanner) ?? "" : take(scanner, TOKEN_REGEXP)).toLowerCase();
}

function takeValue(scanner: Scanner): string | undefined {
  take(scanner, BLANK_REGEXP);
  if (scanner.text.charAt(scanner.at) === '"') return takeQuoted(scanner);
  return take(scanner, BARE_VALUE_REGEXP) || undefined;
}

/**
 * Parses the value of `WWW-Authenticate` headers: any number of challenges, several header lines
 * joined by commas, commas inside quotes, blanks around `=`, unquoted values. It reads leniently: a
 * parameter that is cut short is left out and the rest is kept. It takes time in proportion to the
 * length and throws never.
 *
 * @param header The header, as `headers.get("www-authenticate")` gives it.
 * @returns The challenges in their order, of any scheme, at most 8; none when the header is missing,
 * is longer than 16 KiB or holds nothing of the kind.
 *
 * @example Two schemes in one header
 * ```ts
 * import { parseChallenges } from "@lading/lading/auth";
 *
 * const header = 'Basic realm="x", Bearer realm="https://r.example/token",service="r.example"';
 * console.log(parseChallenges(header).map(({ scheme }) => scheme)); // ["basic", "bearer"]
 * ```
 */
export function parseChallenges(header: string | null): Challenge[] {
  if (header === null || header.length > MAX_CHALLENGE_HEADER_LENGTH) return [];
  const scanner: Scanner = { text: header, at: 0 };
  const challenges: Challenge[] = [];
  let parameters: Map<string, string> | undefined;
  for (;;) {
    take(scanner, SEPARATOR_REGEXP);
    if (scanner.at >= header.length) return challenges;
    const start = scanner.at;
    const name = takeName(scanner);
    const end = scanner.at;
    take(scanner, BLANK_REGEXP);
    if (header.charAt(scanner.at) === "=") {
      // Both a comma and a blank may stand before a parameter; `=` after the name tells it apart.
      scanner.at++;
      const value = takeValue(scanner);
      if (name !== "" && value !== undefined && parameters?.has(name) === false) {
        parameters.set(name, value);
      }
    } else if (name === "") {
      // A character that belongs nowhere: step over it.
      if (end === start) scanner.at = end + 1;
    } else {
      if (challenges.length === MAX_CHALLENGES) return challenges;
      const token68 = scanner.at > end ? take(scanner, TOKEN68_REGEXP) : "";
      parameters = new Map();
      challenges.push({ scheme: name, parameters, ...(token68 === "" ? {} : { token68 }) });
    }
  }
}
