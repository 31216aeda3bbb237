import { test } from "node:test";
import assert from "node:assert/strict";
import { existsSync, writeFileSync } from "node:fs";
import { type FaultRule, randomImage, randomIndex } from "../../lib/testing/mod.ts";
import { brokenFiles, LADING, lading, start } from "./lading_process.ts";
import { withBench } from "./lading_process.ts";

/** Runs a mirror, and gives its address. */
async function withMirror(
  args: readonly string[],
  work: (host: string) => Promise<void>,
): Promise<string> {
  const server = start([...LADING, "serve", ...args]);
  const url = await server.firstLine();
  if (url === "") assert.fail((await server.ended).stderr);
  try {
    await work(url.slice("http://".length));
  } finally {
    server.signal("SIGTERM");
  }
  const { code, stdout, stderr } = await server.ended;
  assert.equal(code, 0, stderr);
  assert.equal(stdout, `${url}\n`);
  return stderr;
}

test("lading serve --upstream keeps what is pulled, and serves it when the upstream is gone", async () => {
  const faults: FaultRule[] = [];
  await withBench(async ({ host, store, folder, asked }) => {
    const index = await randomIndex("mirrored");
    await index.pushTo(store, "acme/app:1");
    const { digest } = index.descriptor;
    const cache = `${folder}/cache`;
    const pull = async (mirror: string, to: string): Promise<void> => {
      const run = await lading(["copy", `${mirror}/acme/app:1`, `oci:${folder}/${to}:1`, "--all"]);
      assert.equal(run.code, 0, run.stderr);
      assert.equal((await lading(["digest", `oci:${folder}/${to}:1`])).stdout, `${digest}\n`);
    };
    const told = await withMirror([cache, "--upstream", host], async (mirror) => {
      await pull(mirror, "first");
      const before = asked.length;
      await pull(mirror, "second");
      assert.deepEqual(asked.slice(before), ["HEAD /v2/acme/app/manifests/1"]);
      assert.equal((await lading(["tags", `${mirror}/acme/app`])).stdout, "1\n");
      assert.equal((await lading(["catalog", mirror])).stdout, "acme/app\n");
      const write = await fetch(`http://${mirror}/v2/acme/app/manifests/1`, { method: "DELETE" });
      assert.equal(write.status, 405);
      await write.body?.cancel();
    });
    assert.equal(told, "");
    assert.deepEqual(brokenFiles(cache), []);

    faults.push({ fault: { kind: "status", status: 503 } });
    const stale = await withMirror([cache, "--upstream", host], (mirror) => pull(mirror, "third"));
    assert.match(stale, new RegExp(`acme/app:1 is ${digest}, as it was before`));
    await withMirror([cache, "--read-only"], (mirror) => pull(mirror, "fourth"));
  }, { faults });
});

test("lading serve --upstream mirrors a part of a registry, in memory without a place", () =>
  withBench(async ({ host, store, asked }) => {
    const image = await randomImage("part");
    await image.pushTo(store, "acme/tools/app:1");
    await withMirror(["--upstream", `${host}/acme/tools`, "--quiet"], async (mirror) => {
      for (let i = 0; i < 2; i++) {
        const { stdout } = await lading(["digest", `${mirror}/app:1`]);
        assert.equal(stdout, `${image.descriptor.digest}\n`);
      }
      assert.equal(asked.every((line) => line.includes("/v2/acme/tools/app/")), true);
      // A list of all there is would name what the mirror does not have.
      assert.equal((await lading(["catalog", mirror])).code, 3);
    });
  }));

test("lading serve --upstream holds no more in memory than it may", () =>
  withBench(async ({ host, store, folder, asked }) => {
    const image = await randomImage("bounded", { files: 1, maxFileBytes: 300_000 });
    const smallest = Math.min(...image.layers.map(({ descriptor }) => descriptor.size));
    await image.pushTo(store, "acme/app:1");
    const pull = async (mirror: string, to: string): Promise<number> => {
      const before = asked.length;
      const run = await lading(["copy", `${mirror}/acme/app:1`, `oci:${folder}/${to}:1`]);
      assert.equal(run.code, 0, run.stderr);
      const isLayer = (line: string) => line.startsWith("GET /v2/acme/app/blobs/");
      return asked.slice(before).filter(isLayer).length;
    };
    const args = ["--upstream", host, "--memory"];
    await withMirror([...args, "1MB"], async (mirror) => {
      assert.equal(await pull(mirror, "first"), 1 + image.layers.length);
      assert.equal(await pull(mirror, "second"), 0);
    });
    const told = await withMirror([...args, `${smallest - 1}B`], async (mirror) => {
      await pull(mirror, "third");
      assert.equal(await pull(mirror, "fourth"), image.layers.length);
    });
    assert.match(told, /Cannot keep sha256:\w+: the memory store holds at most \d+ bytes\n/);
  }));

test("lading serve --upstream says who may read when others reach it", () =>
  withBench(async ({ host }) => {
    const args = ["--upstream", host, "--listen", "0.0.0.0:0"];
    const told = await withMirror(args, () => Promise.resolve());
    assert.match(told, /^warning: [^\n]*no authentication\n$/);
  }));

test("lading serve refuses what does not go with --upstream, or without it", () =>
  withBench(async ({ host, folder }) => {
    writeFileSync(`${folder}/plain`, "");
    const rows: readonly (readonly [readonly string[], RegExp])[] = [
      [["--upstream", host, "--allow-sparse"], /--allow-sparse does not go with --upstream/],
      [["--upstream", host, "--repository", "a"], /--repository does not go with --upstream/],
      [["--upstream", "https://ghcr.io"], /REGISTRY\[\/PREFIX\]/],
      [["--upstream", `${host}/UPPER`], /REGISTRY\[\/PREFIX\]/],
      [["--upstream", ""], /REGISTRY\[\/PREFIX\]/],
      [["--upstream", "not a host"], /not a host/],
      [[`${folder}/plain`, "--upstream", host], /is no directory/],
      [["--creds", "a:b"], /--creds is for --upstream/],
      [["--memory", "1GiB"], /--memory is for --upstream/],
      [
        [`${folder}/cache`, "--upstream", host, "--memory", "1GiB"],
        /--memory is for a cache without/,
      ],
      [
        ["--upstream", host, "--memory", "1"],
        /--memory takes a size such as 500MB or 2GiB, not "1"/,
      ],
    ];
    for (const [args, message] of rows) {
      const { code, stdout, stderr } = await lading(["serve", ...args]);
      assert.equal(code, 2, `${args.join(" ")}: ${stderr}`);
      assert.match(stderr, message);
      assert.equal(stdout, "");
    }
    assert.equal(existsSync(`${folder}/cache`), false);
  }));
