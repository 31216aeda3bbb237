import type { Bytes } from "../model/bytes.ts";
import { InvalidInputError } from "../model/errors.ts";
import { cleanPath, parentsOf, trimSpace } from "./_dockerignore_path.ts";
import { type PathTest, pathTest } from "./_dockerignore_pattern.ts";
import { isGlob } from "./_dockerignore_syntax.ts";

/** The longest line: more, Docker does not read either (`bufio.MaxScanTokenSize`). */
const MAX_LINE_LENGTH = 64 * 1024;

/**
 * Reads the patterns of a `.dockerignore` file as Docker does: a byte order mark is cut off, lines
 * that begin with `#` are comments, white space around patterns goes away, paths are cleaned, and a
 * leading slash means nothing.
 *
 * @param content The file.
 * @returns The patterns; exceptions begin with `!`.
 * @throws {InvalidInputError} (`INVALID_PATTERN`) when a line is longer than 64 KiB.
 *
 * @example
 * ```ts
 * import { parseDockerignore } from "@lading/lading/engine";
 *
 * console.log(parseDockerignore("# built\n/dist/\n! /dist/keep.js\n")); // ["dist", "!dist/keep.js"]
 * ```
 */
export function parseDockerignore(content: string | Bytes): string[] {
  const text = typeof content === "string"
    ? content
    : new TextDecoder("utf-8", { ignoreBOM: true }).decode(content);
  return text.replace(/^\ufeff/, "").split("\n").flatMap((line) => {
    if (line.length >= MAX_LINE_LENGTH) {
      throw refused(line, `a line is longer than ${MAX_LINE_LENGTH} characters`);
    }
    if (line.startsWith("#")) return [];
    const pattern = trimSpace(line);
    if (pattern === "") return [];
    if (!pattern.startsWith("!")) return [relative(pattern)];
    return [`!${relative(trimSpace(pattern.slice(1)))}`];
  });
}

function relative(pattern: string): string {
  if (pattern === "") return "";
  const path = cleanPath(pattern);
  return path.length > 1 && path.startsWith("/") ? path.slice(1) : path;
}

function refused(input: string, why: string): InvalidInputError {
  const shown = JSON.stringify(input.length > 80 ? `${input.slice(0, 80)}…` : input);
  return new InvalidInputError("INVALID_PATTERN", `Cannot use the pattern ${shown}: ${why}`, {
    input,
  });
}

interface Pattern {
  readonly text: string;
  readonly isException: boolean;
  readonly test: PathTest;
}

/** Which patterns matched a directory; for what is in it. */
export interface DockerignoreState {
  /** Whether it is ignored. */
  readonly isIgnored: boolean;
  /** The patterns that matched, by their number. */
  readonly matched: readonly boolean[];
}

/**
 * The patterns of a `.dockerignore` file, in the meaning that Docker and BuildKit give them
 * (moby/patternmatcher): the last one that matches a path, or a directory above it, decides.
 * Whatever a pattern says, a path takes time by its length times that of the pattern.
 *
 * @example
 * ```ts
 * import { Dockerignore } from "@lading/lading/engine";
 *
 * const ignore = new Dockerignore(["**", "!src", "src/*.test.ts"]);
 * console.log(ignore.isIgnored("src/main.ts"), ignore.isIgnored("src/main.test.ts")); // false true
 * ```
 */
export class Dockerignore {
  readonly #patterns: readonly Pattern[];
  readonly #hasExceptions: boolean;

  /**
   * Takes patterns, as {@linkcode parseDockerignore} gives them.
   *
   * @param patterns The patterns, in their order.
   * @throws {InvalidInputError} (`INVALID_PATTERN`) when one is no pattern.
   */
  constructor(patterns: readonly string[]) {
    this.#patterns = patterns.map(trimSpace).filter((text) => text !== "").map((given) => {
      const cleaned = cleanPath(given);
      const isException = cleaned.startsWith("!");
      const text = isException ? cleaned.slice(1) : cleaned;
      if (text === "") throw refused(given, "illegal exclusion pattern");
      if (!isGlob(text)) throw refused(given, "syntax error in pattern");
      return { text, isException, test: pathTest(text) };
    });
    this.#hasExceptions = this.#patterns.some(({ isException }) => isException);
  }

  /**
   * Tells whether a path is left out.
   *
   * @param path The path below the directory, with slashes.
   * @returns Whether it is.
   * @throws {InvalidInputError} (`INVALID_PATTERN`) when a pattern turns out to be none.
   */
  isIgnored(path: string): boolean {
    return this.judge(path).isIgnored;
  }

  /**
   * Does the same while a tree is walked, as Docker does: what matched a directory matches all that
   * is in it. Where an exception follows, this and {@linkcode Dockerignore.isIgnored} may differ.
   *
   * @param path The path.
   * @param parent What this gave for its directory; without one, the directories are looked at too.
   * @returns What it gives for what is in it.
   */
  judge(path: string, parent?: DockerignoreState): DockerignoreState {
    let isIgnored = false;
    const parents = parent === undefined ? parentsOf(path) : [];
    const matched = this.#patterns.map((pattern, index) => {
      const isInherited = parent?.matched[index] === true;
      // What cannot change the outcome is not looked at.
      const isMatch = isInherited || pattern.isException === isIgnored &&
          [path, ...parents].some((each) => tested(pattern, each));
      if (isMatch) isIgnored = !pattern.isException;
      return isMatch;
    });
    return { isIgnored, matched };
  }

  /**
   * Tells whether an ignored directory has to be walked nevertheless: when an exception names
   * something in it, letter by letter.
   *
   * @param path The directory.
   * @returns Whether something in it may not be ignored.
   */
  mayHoldExceptions(path: string): boolean {
    return this.#hasExceptions &&
      this.#patterns.some(({ text, isException }) =>
        isException && `${text}/`.startsWith(`${path}/`)
      );
  }
}

function tested({ text, test }: Pattern, path: string): boolean {
  try {
    return test(path);
  } catch (error) {
    if (error instanceof SyntaxError) throw refused(text, "syntax error in pattern");
    throw error;
  }
}
