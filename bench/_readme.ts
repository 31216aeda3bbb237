import type { Results } from "./_results.ts";
import { readmeTable } from "./_tables.ts";

/** Everything between the heading and the next one has one table: the figures. */
const TABLE_REGEXP = /(?<=^## Performance\n(?:(?!## ).*\n)*?)(?:^\|.*\|$\n)+/m;

/** Gives the text of README with the figures of `results`. */
export function withFigures(readme: string, results: Results): string {
  if (!TABLE_REGEXP.test(readme)) throw new Error("README has no table of figures");
  return readme.replace(TABLE_REGEXP, () => `${readmeTable(results)}\n`);
}
