// What do programs of the system take for the same layers? A shell starts them and tells their
// times: by the wall clock, and what their own code computed, without what the system did for it.
// Debian has them in gzip, libdeflate-tools and isal.
import { parseArgs } from "node:util";
import { mustRun, run } from "../tests/support/program.ts";
import { makeLayers } from "./_layers.ts";
import { type Answers, PROGRAMS } from "./_results.ts";
import { noteAnswers } from "./_results_file.ts";
import { answersTable } from "./_tables.ts";

/** Question -> the program that is needed, and its command line for a layer. */
const COMMANDS = {
  pass: { "gzip -dc | sha256sum": ["gzip", "gzip -dc LAYER | sha256sum"] },
  inflate: {
    "gzip": ["gzip", "gzip -dc LAYER"],
    "libdeflate-gunzip": ["libdeflate-gunzip", "libdeflate-gunzip -c LAYER"],
    "igzip": ["igzip", "igzip -dc LAYER"],
  },
} as const;

const { values } = parseArgs({
  options: { rounds: { type: "string", default: "5" }, runtimes: { type: "string" } },
});
const rounds = Number(values.rounds);
const { whole } = await makeLayers();
const answers: Answers = {};
for (let round = -1; round < rounds; round++) {
  for (const [question, commands] of Object.entries(COMMANDS)) {
    for (const [layer, { path }] of Object.entries(whole)) {
      const entrants = (answers[question] ??= {})[layer] ??= {};
      for (const [name, [program, command]] of Object.entries(commands)) {
        if ((await run("bash", ["-c", `command -v ${program}`])).code !== 0) {
          if (round < 0) console.log(`${name}: ${program} is not installed`);
          continue;
        }
        const line = `TIMEFORMAT="%3R %3U"; time { ${
          command.replace("LAYER", path)
        }; } > /dev/null`;
        const { stderr } = await mustRun("bash", ["-o", "pipefail", "-c", line]);
        const [wall = 0, cpu = 0] = stderr.trim().split(" ").map((s) => Number(s) * 1000);
        if (round < 0) continue;
        const before = entrants[name] ?? { wall: [], cpu: [] };
        entrants[name] = { wall: [...before.wall, wall], cpu: [...before.cpu ?? [], cpu] };
      }
    }
  }
}
const facts = Object.fromEntries(Object.entries(whole).map(([name, { facts }]) => [name, facts]));
console.log(`\n## Programs\n${answersTable(answers, facts)}`);
noteAnswers(PROGRAMS, "", answers, facts);
