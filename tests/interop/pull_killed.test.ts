// kill -9 at any moment of a pull: what can be seen is whole, and the next pull goes on from there.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import assert from "node:assert/strict";
import { randomImage } from "../../lib/testing/mod.ts";
import { momentRegistry } from "../support/moments.ts";
import { inScratch, mustRun } from "../support/program.ts";

const KILLS = 20;

/** The blobs that can be seen, each proved. */
function wholeBlobs(layout: string): string[] {
  const folder = join(layout, "blobs/sha256");
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder).filter((name) => !name.startsWith("."));
  for (const name of names) {
    const digest = createHash("sha256").update(readFileSync(join(folder, name))).digest("hex");
    assert.equal(name, digest, "a blob is not what its name says");
  }
  return names.map((name) => `sha256:${name}`);
}

test(`a pull killed at ${KILLS} moments leaves whole blobs, and is resumed`, async () => {
  const image = await randomImage("kills", { layers: 6, files: 6, maxFileBytes: 400_000 });
  const registry = await momentRegistry(image, 65_536);
  const pull = (
    layout: string,
  ) => ["lib/cli/main.ts", "pull", "--quiet", registry.name, `oci:${layout}`];
  let partial = 0;
  try {
    await inScratch(async (folder) => {
      await mustRun(process.execPath, pull(join(folder, "whole")));
      const moments = registry.count();
      assert.ok(moments > KILLS, `${moments} moments`);
      for (let kill = 0; kill < KILLS; kill++) {
        const layout = join(folder, String(kill));
        const child = spawn(process.execPath, pull(layout), { stdio: "ignore" });
        const ended = new Promise((resolve) => child.once("close", resolve));
        registry.at(1 + Math.floor(moments * kill / KILLS), () => child.kill("SIGKILL"));
        await ended;
        const index = join(layout, "index.json");
        if (existsSync(index)) JSON.parse(readFileSync(index, "utf8"));
        const complete = wholeBlobs(layout);
        if (complete.length > 0 && complete.length < image.contents.length) partial++;
        const before = registry.transport.exchanges.length;
        await mustRun(process.execPath, pull(layout));
        const fetched = registry.transport.exchanges.slice(before)
          .filter(({ method }) => method === "GET");
        for (const digest of complete) {
          const again = fetched.filter(({ url }) => url.endsWith(`/blobs/${digest}`));
          assert.equal(again.length, 0, `${digest} was complete and was fetched again`);
        }
        const { manifests } = JSON.parse(readFileSync(index, "utf8"));
        assert.deepEqual(manifests.map((one: { digest: string }) => one.digest), [
          image.descriptor.digest,
        ]);
        assert.equal(wholeBlobs(layout).length, image.contents.length);
      }
    });
  } finally {
    await registry.close();
  }
  assert.ok(partial >= 3, `only ${partial} kills came amid the pull`);
});
