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
