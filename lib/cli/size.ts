const UNITS = ["B", "kB", "MB", "GB", "TB"];

/**
 * Writes a number of bytes for people, in powers of 1000.
 *
 * @param bytes The number.
 * @returns A text such as `3.6 MB`.
 */
export function formatSize(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 || value >= 99.5 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`;
}

/** The powers of 1000 and of 1024, by their prefix. */
const PREFIXES = ["", "k", "m", "g", "t"];

/**
 * Reads a number of bytes as people write it.
 *
 * @param text A text such as `500MB` (powers of 1000) or `2GiB` (powers of 1024), in any case.
 * @returns The number; `undefined` for what is none.
 */
export function parseSize(text: string): number | undefined {
  const [, digits, prefix = "", i] = /^(\d{1,9}) ?(?:([kmgt])(i)?)?b$/i.exec(text) ?? [];
  if (digits === undefined) return undefined;
  return Number(digits) * (i === undefined ? 1000 : 1024) ** PREFIXES.indexOf(prefix.toLowerCase());
}
