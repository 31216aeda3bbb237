// Reads and writes bench/results.json.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { gzipSync } from "node:zlib";
import type { Answers, LayerFacts, Results } from "./_results.ts";

const PATH = "bench/results.json";
/** Medians of fewer are not kept. */
const MIN_ROUNDS = 5;

/** Reads what was measured. */
export function readResults(): Results {
  if (existsSync(PATH)) return JSON.parse(readFileSync(PATH, "utf8")) as Results;
  return { machine: "", kernelBytes: 0, layers: {}, runtimes: {} };
}

/** Notes what was measured in a runtime, in the place of what the same questions gave before. */
export function noteAnswers(
  runtime: string,
  version: string,
  answers: Answers,
  layers: Readonly<Record<string, LayerFacts>>,
): void {
  const short = Object.values(answers).flatMap(Object.values).flatMap(Object.values)
    .some(({ wall }: { wall: number[] }) => wall.length < MIN_ROUNDS);
  if (short) return console.log(`  fewer than ${MIN_ROUNDS} rounds: ${PATH} stays as it is`);
  const results = readResults();
  const processors = cpus();
  const kernel = readFileSync("wasm/kernel.wasm").toString("base64");
  const before = results.runtimes[runtime]?.answers;
  const changed: Results = {
    machine: `${processors[0]?.model}, ${processors.length} cores`,
    kernelBytes: gzipSync(kernel, { level: 9 }).length,
    layers: { ...layers },
    runtimes: {
      ...results.runtimes,
      [runtime]: { version, answers: { ...before, ...answers } },
    },
  };
  const rounded = (_: string, value: unknown): unknown =>
    typeof value === "number" ? Math.round(value * 100) / 100 : value;
  // The rounds of an entrant stand in one line.
  const text = JSON.stringify(changed, rounded, 2)
    .replaceAll(
      /\[[\s\d.,]+\]/g,
      (list) => list.replaceAll(/\s+/g, " ").replaceAll(/(?<=\[) | (?=\])/g, ""),
    );
  writeFileSync(PATH, `${text}\n`);
}
