// Shows what bench/results.json says of every claim, beside its floor and its aim, and puts the
// figures into README.
import { readFileSync, writeFileSync } from "node:fs";
import { withFigures } from "./_readme.ts";
import { readResults } from "./_results_file.ts";
import { claimsTable } from "./_tables.ts";

const results = readResults();
console.log(claimsTable(results));
writeFileSync("README.md", withFigures(readFileSync("README.md", "utf8"), results));
