import { compileExpression } from "./_dockerignore_expression.ts";

/** Tells whether a path matches; it throws a `SyntaxError` when the pattern turns out to be none. */
export type PathTest = (path: string) => boolean;

/** Characters that mean something in expressions and nothing in patterns. */
const ESCAPED: ReadonlySet<string> = new Set([".", "+", "(", ")", "|", "{", "}", "$"]);

/** What a pattern turned out to be (moby/patternmatcher, `compile`). */
export type PatternKind = "exact" | "prefix" | "suffix" | "expression";

/** A pattern in the shape that paths are compared with. */
export interface CompiledPattern {
  readonly kind: PatternKind;
  /** The regular expression, where it is one. */
  readonly expression: string | undefined;
}

/**
 * Turns a pattern into what moby compares paths with. Its oddities are kept: `**x` also matches
 * `ax`, a `*` within a class ends up in the class, and `\d` is a digit.
 *
 * @param pattern A cleaned pattern, without `!`.
 */
export function compilePattern(pattern: string): CompiledPattern {
  const characters = [...pattern];
  let kind: PatternKind = "exact";
  let expression = "^";
  let at = 0;
  const take = (): string | undefined => characters[at++];
  for (let count = 0; at < characters.length; count++) {
    const character = take() ?? "";
    if (character === "*" && characters[at] === "*") {
      take();
      if (characters[at] === "/") take();
      if (at < characters.length) {
        expression += "(.*/)?";
        kind = "expression";
      } else if (kind === "exact") {
        kind = "prefix";
      } else {
        expression += ".*";
        kind = "expression";
      }
      if (count === 0) kind = "suffix";
    } else if (character === "*") {
      expression += "[^/]*";
      kind = "expression";
    } else if (character === "?") {
      expression += "[^/]";
      kind = "expression";
    } else if (ESCAPED.has(character)) {
      expression += `\\${character}`;
    } else if (character === "\\" && at < characters.length) {
      expression += `\\${take()}`;
      kind = "expression";
    } else {
      expression += character;
      if (character === "[" || character === "]") kind = "expression";
    }
  }
  return { kind, expression: kind === "expression" ? `${expression}$` : undefined };
}

/** Makes the comparison of a pattern. */
export function pathTest(pattern: string): PathTest {
  const { kind, expression = "" } = compilePattern(pattern);
  switch (kind) {
    case "exact":
      return (path) => path === pattern;
    case "prefix": {
      const prefix = pattern.slice(0, -2);
      return (path) => path.startsWith(prefix);
    }
    case "suffix": {
      const suffix = pattern.slice(2);
      // `**/foo` matches "foo".
      return (path) => path.endsWith(suffix) || suffix.startsWith("/") && path === suffix.slice(1);
    }
    case "expression": {
      let test: PathTest | undefined;
      return (path) => (test ??= compileExpression(expression))(path);
    }
  }
}
