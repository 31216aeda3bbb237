import { UsageError } from "./_command.ts";

/**
 * Splits a command line into words as a shell does: at white space, but not in quotes. Nothing is
 * expanded. A text that begins with `[` is a list of words in JSON, as in a Dockerfile.
 *
 * @param line The command line: `node /app/main.js`, `["node", "/app/main.js"]`.
 * @param option The option it is of, for the error.
 * @returns The words.
 */
export function shellWords(line: string, option: string): string[] {
  if (line.trimStart().startsWith("[")) return jsonWords(line, option);
  const words: string[] = [];
  /** The word that has begun. */
  let word: string | undefined;
  let quote = "";
  let isEscaped = false;
  for (const char of line) {
    if (isEscaped) {
      // In double quotes a backslash is one, but before what would end or escape.
      const isLiteral = quote === '"' && char !== '"' && char !== "\\";
      word = (word ?? "") + (isLiteral ? `\\${char}` : char);
      isEscaped = false;
    } else if (char === "\\" && quote !== "'") isEscaped = true;
    else if (quote !== "") {
      if (char === quote) quote = "";
      else word = (word ?? "") + char;
    } else if (char === "'" || char === '"') {
      quote = char;
      word ??= "";
    } else if (/\s/.test(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? "") + char;
  }
  if (quote !== "" || isEscaped) {
    throw new UsageError(`--${option} has a quote without an end: ${JSON.stringify(line)}`);
  }
  if (word !== undefined) words.push(word);
  return words;
}

function jsonWords(line: string, option: string): string[] {
  try {
    const words: unknown = JSON.parse(line);
    if (Array.isArray(words) && words.every((word) => typeof word === "string")) return words;
  } catch {
    // The message below says it.
  }
  throw new UsageError(`--${option} takes a list of texts in JSON, not ${JSON.stringify(line)}`);
}
