// Results as text: a table of one run, the claims, and the table of README.
import { type Claim, CLAIMS, KERNEL_BYTES, RUNTIMES, verdict } from "./_claims.ts";
import type { Answers, LayerFacts, Results } from "./_results.ts";
import { median } from "./_turns.ts";

/** Shows the medians of a run, and each as a part of the first one's. */
export function answersTable(
  answers: Answers,
  layers: Readonly<Record<string, LayerFacts>>,
): string {
  const lines: string[] = [];
  for (const [question, byLayer] of Object.entries(answers)) {
    for (const [layer, entrants] of Object.entries(byLayer)) {
      const [first] = Object.values(entrants);
      if (first === undefined) continue;
      const megabytes = ((layers[layer]?.plainSize ?? 0) / 1e6).toFixed(0);
      lines.push(`\n  ${`${question}, ${layer} (${megabytes} MB)`.padEnd(52)}ms    cpu  : first`);
      for (const [name, { wall, cpu, bytes }] of Object.entries(entrants)) {
        const ms = median(wall).toFixed(1).padStart(10);
        const cpuMs = (cpu === undefined ? "" : median(cpu).toFixed(1)).padStart(8);
        const ratio = (median(wall) / median(first.wall)).toFixed(2).padStart(8);
        const size = bytes === undefined ? "" : `  ${bytes} bytes`;
        lines.push(`    ${name.padEnd(50)}${ms}${cpuMs}${ratio}${size}`);
      }
    }
  }
  return lines.join("\n");
}

/** Shows every claim in every runtime beside its floor and its aim. */
export function claimsTable(results: Results): string {
  const layers = Object.keys(results.layers);
  const lines = [
    `${"".padEnd(12)}${layers.map((name) => name.padStart(8)).join("")}   floor   aim`,
  ];
  for (const claim of CLAIMS) {
    const rows = RUNTIMES.map((runtime) => claimRow(claim, results, runtime, layers))
      .filter((row) => row !== undefined);
    if (rows.length > 0) lines.push("", claim.title, ...rows);
  }
  const { kernelBytes } = results;
  const { floor, aim } = KERNEL_BYTES;
  const said = verdict((bound) => kernelBytes <= bound, floor, aim);
  lines.push("", `kernel as text, gzipped: ${kernelBytes} bytes of ${floor} (${aim})  ${said}`);
  return lines.join("\n");
}

function claimRow(
  claim: Claim,
  results: Results,
  runtime: string,
  layers: readonly string[],
): string | undefined {
  const floor = claim.floor[runtime];
  const aim = claim.aim[runtime];
  const figures = layers.map((layer) => claim.figure(results, runtime, layer));
  const known = figures.filter((figure) => figure !== undefined);
  if (known.length === 0 && floor === undefined && aim === undefined) return undefined;
  const cells = figures.map((figure) => (figure?.toFixed(2) ?? "-").padStart(8));
  const bounds = [floor, aim].map((bound) => (bound?.toFixed(2) ?? "-").padStart(6));
  const said = known.length === 0 || known.length < layers.length ? "not measured" : verdict(
    (bound) => known.every((figure) => claim.isLimit ? figure <= bound : figure >= bound),
    floor,
    aim,
  );
  return `  ${runtime.padEnd(10)}${cells.join("")}  ${bounds.join("")}  ${said}`;
}

/** The table of README: a row per claim, a column per runtime, a figure per layer. */
export function readmeTable(results: Results): string {
  const layers = Object.keys(results.layers);
  const rows = CLAIMS.map((claim) => [
    claim.title.replaceAll("|", "\\|"),
    ...RUNTIMES.map((runtime) => {
      const figures = layers.map((layer) => claim.figure(results, runtime, layer));
      const isKnown = figures.every((figure) => figure !== undefined);
      return isKnown ? figures.map((figure) => figure.toFixed(2)).join(", ") : "";
    }),
  ]).filter(([, ...cells]) => cells.some((cell) => cell !== ""));
  return markdownTable([["", ...RUNTIMES], ...rows]);
}

function markdownTable(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(1, ...rows.map((row) => (row[column] ?? "").length))
  );
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`;
  const [head = [], ...body] = rows;
  const rule = widths.map((width) => "-".repeat(width));
  return [head, rule, ...body].map(line).join("\n");
}
