import { readFileSync } from "node:fs";
import { test } from "node:test";
import assert from "node:assert/strict";
import { type FaultRule, randomImage } from "../../lib/testing/mod.ts";
import {
  type Bench,
  type Ended,
  inShell,
  onTerminal,
  start,
  type Started,
  until,
  withBench,
} from "./lading_process.ts";
import { Screen } from "./terminal.ts";

const COLUMNS = 60;

const warning = '299 - "use another registry"';

/** Blobs come in pieces, so that there is something to see; the warning comes between. */
const SLOW: readonly FaultRule[] = [
  { method: "GET", path: /blobs/, fault: { kind: "throttle", bytes: 65_536, ms: 100 } },
  { method: "GET", path: /blobs/, nth: 3, fault: { kind: "headers", headers: { warning } } },
];

/** Starts to pull an image of several layers on a terminal. */
async function startPull(
  { host, store, folder }: Bench,
  options: string,
  env: Readonly<Record<string, string>> = {},
): Promise<Started> {
  const image = await randomImage("terminal", { layers: 4, files: 2, maxFileBytes: 300_000 });
  await image.pushTo(store, "acme/app:1");
  const args = `pull ${host}/acme/app:1 oci:${folder}/app ${options} > ${folder}/answer`;
  return start(onTerminal(args, COLUMNS), { env });
}

/** Pulls an image of several layers on a terminal. */
async function pullOnTerminal(...args: Parameters<typeof startPull>): Promise<Ended> {
  return await (await startPull(...args)).ended;
}

test("lading pull shows each layer on a terminal, and takes the display away at its end", () => {
  let running: Started | undefined;
  /** Blobs wait for the display: what is there is drawn before more comes. */
  const betweenPieces = async (): Promise<void> => {
    const drawings = (): number => running?.written().match(/\[=*>/g)?.length ?? 0;
    const before = drawings();
    await until(() => drawings() > before, "another bar");
  };
  return withBench(async (bench) => {
    running = await startPull(bench, "", { NO_COLOR: "1" });
    const run = await running.ended;
    assert.equal(run.code, 0, run.stdout);
    const screen = new Screen(COLUMNS);
    screen.writeFrames(run.stdout);
    const layers = screen.states.filter((state) =>
      /^[0-9a-f]{12} {2}\[=*> *\] {2}[\d.]+ k?B of [\d.]+ /m.test(state)
    );
    assert.ok(layers.length > 2, run.stdout);
    assert.ok(screen.states.some((state) => /^\d done, [\d.]+ k?B moved/m.test(state)), run.stdout);
    // The last line is longer than the terminal is wide.
    assert.match(
      screen.text.replaceAll("\n", ""),
      /^warning: 127\.0\.0\.1:\d+: use another registrymoved [\d.]+ [kM]B to oci:[^=>]*were there$/,
    );
    const longest = run.stdout.split(/[\r\n]/).filter((line) => line.includes("[=")).map((line) =>
      // deno-lint-ignore no-control-regex
      line.replace(/\x1b\[\d*[A-Z]/g, "").length
    );
    assert.ok(Math.max(...longest) < COLUMNS, `${longest}`);
    assert.match(readFileSync(`${bench.folder}/answer`, "utf8"), /@sha256:[0-9a-f]{64}\n$/);
  }, { faults: SLOW.slice(1), betweenPieces });
});

test("lading pull shows nothing with --quiet, and plain lines on a dumb terminal and in CI", () =>
  withBench(async (bench) => {
    assert.equal((await pullOnTerminal(bench, "--quiet")).stdout, "");
    for (const env of [{ TERM: "dumb" }, { CI: "true" }]) {
      await inShell(`rm -rf ${bench.folder}/app`);
      const { stdout } = await pullOnTerminal(bench, "", env);
      // deno-lint-ignore no-control-regex
      assert.doesNotMatch(stdout, /\x1b/);
      assert.match(
        stdout,
        /^resolved 1 to sha256:[0-9a-f]{64}\r\n[0-9a-f]{12} {2}blob {2}done {2}/,
      );
      assert.match(stdout, /\nmoved [^\n]*\r\n/);
    }
  }));

test("lading pull shows no progress where stderr is no terminal", () =>
  withBench(async ({ host, store, folder }) => {
    await (await randomImage("pipe")).pushTo(store, "acme/app:1");
    const run = await inShell(`"$@" pull ${host}/acme/app:1 oci:${folder}/app 2>&1 >/dev/null`);
    assert.match(run.stdout, /^moved [^\n]*\n$/);
  }));

test("lading pull clears its display when it fails and when it is interrupted", async () => {
  const cut: FaultRule = {
    method: "GET",
    path: /blobs/,
    nth: 4,
    fault: { kind: "flip", offset: 9 },
  };
  await withBench(async (bench) => {
    const run = await pullOnTerminal(bench, "--jobs 1");
    const screen = new Screen(1000);
    screen.write(run.stdout);
    assert.equal(run.code, 5, run.stdout);
    assert.match(screen.text, /^(warning: [^\n]*\n)?lading: Cannot [^\n]*$/);
  }, { faults: [...SLOW, cut] });
  await withBench(async ({ host, store, folder, asked }) => {
    await (await randomImage("stop", { maxFileBytes: 3_000_000 })).pushTo(store, "acme/app:1");
    const args = `pull ${host}/acme/app:1 oci:${folder}/app & pid=$!; ` +
      `until test -e ${folder}/stop; do sleep 0.1; done; kill -INT $pid; wait $pid`;
    const running = start(onTerminal(args, COLUMNS));
    await until(() => asked.filter((line) => /GET .*blobs/.test(line)).length > 1, "blobs move");
    await new Promise((resolve) => setTimeout(resolve, 500));
    await inShell(`touch ${folder}/stop`);
    const run = await running.ended;
    const screen = new Screen(1000);
    screen.write(run.stdout);
    assert.equal(screen.text, "lading: interrupted", run.stdout);
    assert.equal(run.code, 130);
  }, { faults: SLOW.slice(0, 1) });
});

test("lading refuses to write what is binary to a terminal", () =>
  withBench(async ({ host, store }) => {
    const image = await randomImage("binary");
    await image.pushTo(store, "acme/app:1");
    const name = `${host}/acme/app`;
    const layer = image.layers[0]?.descriptor.digest;
    for (const args of [`export ${name}:1`, `blob ${name}@${layer}`]) {
      const run = await start(onTerminal(args, COLUMNS)).ended;
      assert.equal(run.code, 2, args);
      assert.equal(
        run.stdout.replaceAll("\r", ""),
        "lading: the answer is binary; send it to a file or a pipe\n",
      );
    }
    const config = await start(onTerminal(`config ${name}:1`, COLUMNS)).ended;
    assert.equal(config.code, 0);
    assert.match(config.stdout, /^\{/);
  }));
