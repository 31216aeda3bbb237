/** The most characters of warnings that are taken from one answer (distribution-spec). */
const MAX_WARNING_LENGTH = 4096;

/** The most different warnings that are remembered, so that a registry cannot fill the memory. */
const MAX_REMEMBERED = 1000;

/** Splits a header at the commas that are not inside quotes. */
function splitList(header: string): string[] {
  const parts: string[] = [];
  let start = 0;
  let isQuoted = false;
  for (let i = 0; i < header.length; i++) {
    const char = header[i];
    if (isQuoted && char === "\\") i++;
    else if (char === '"') isQuoted = !isQuoted;
    else if (char === "," && !isQuoted) {
      parts.push(header.slice(start, i));
      // Headers that come several times are joined by a comma and a space.
      if (header[i + 1] === " ") i++;
      start = i + 1;
    }
  }
  parts.push(header.slice(start));
  return parts;
}

const WARNING_REGEXP = /^299 - "((?:[^"\\]|\\.)+)"$/;

/**
 * Reads a Warning header (distribution-spec, warnings): only `299 - "text"` counts, anything else is
 * left out.
 *
 * @param header The header, or several joined by commas.
 * @returns The texts.
 */
export function parseWarnings(header: string): string[] {
  const texts: string[] = [];
  let left = MAX_WARNING_LENGTH;
  for (const part of splitList(header)) {
    const text = WARNING_REGEXP.exec(part)?.[1]?.replace(/\\(.)/g, "$1");
    if (text === undefined) continue;
    if (text.length > left) break;
    left -= text.length;
    texts.push(text);
  }
  return texts;
}

/** Remembers which warnings were reported, so that each is reported once. */
export class WarningFilter {
  readonly #seen = new Set<string>();

  /**
   * Reads a Warning header and gives the texts that are new.
   *
   * @param header The header, if there is one.
   * @returns The texts that were not given before.
   */
  fresh(header: string | null): string[] {
    if (header === null) return [];
    return parseWarnings(header).filter((text) => {
      if (this.#seen.has(text) || this.#seen.size >= MAX_REMEMBERED) return false;
      this.#seen.add(text);
      return true;
    });
  }
}
