// A registry of version 1 through the verbs that every registry has.
import { test } from "node:test";
import assert from "node:assert/strict";
import { serve } from "../../lib/runtime/serve.ts";
import { ID, putSample } from "../registry/v1/v1_sample.ts";
import { V1Server } from "../registry/v1/v1_server.ts";
import { lading, type Run, withRegistry } from "./lading_main.ts";

const NAME = "acme/old";

function done(run: Run): string {
  assert.equal(run.code, 0, run.errors);
  return run.out.trim();
}

/** Runs `work` beside a registry of version 1, one of version 2, and a folder. */
async function withBoth(
  work: (v1: string, v2: string, folder: string) => Promise<void>,
): Promise<void> {
  const servers: V1Server[] = [];
  const running = await serve((request) =>
    servers[0]?.transport(request) ?? new Response("", { status: 503 })
  );
  const { host } = new URL(running.url);
  const server = new V1Server({ host });
  servers.push(server);
  await putSample(server, NAME, "1");
  try {
    await withRegistry((image, folder) => work(`docker-v1://${host}/${NAME}`, image, folder));
  } finally {
    await running.close();
  }
}

test("lading reads a registry of version 1, and copies out of it", async () => {
  await withBoth(async (v1, v2, folder) => {
    assert.equal(done(await lading("tags", v1)), "1");
    const catalog = v1.slice(0, v1.indexOf("/", "docker-v1://".length));
    assert.equal(done(await lading("catalog", catalog)), NAME);
    const digest = done(await lading("digest", `${v1}:1`));
    assert.match(digest, /^sha256:/);
    const names = done(await lading("ls", `${v1}:1`));
    assert.ok(names.length > 0);
    const to = v2.replace("acme/app:1", "acme/new:1");
    assert.ok(done(await lading("copy", `${v1}:1`, to)).endsWith(digest));
    assert.equal(done(await lading("ls", to)), names);
    assert.equal((await lading("validate", to)).code, 0);
    assert.equal(done(await lading("pull", `${v1}:1`, `oci:${folder}/out:1`)), digest);
    assert.equal((await lading("digest", `${v1}:none`)).code, 3);
  });
});

test("lading tags, pushes to and deletes from a registry of version 1", async () => {
  await withBoth(async (v1, v2) => {
    assert.equal(done(await lading("tag", `${v1}:1`, "2")), ID(3));
    assert.deepEqual(done(await lading("tags", v1)).split("\n").sort(), ["1", "2"]);
    done(await lading("untag", `${v1}:1`));
    assert.equal(done(await lading("tags", v1)), "2");
    const pushed = v1.replace(NAME, "acme/pushed");
    const id = done(await lading("copy", v2, `${pushed}:7`, "--platform", "linux/amd64"));
    assert.match(id, /^[0-9a-f]{64}$/);
    assert.equal(done(await lading("tags", pushed)), "7");
    const files = done(await lading("ls", v2, "--platform", "linux/amd64"));
    assert.equal(done(await lading("ls", `${pushed}:7`)), files);
    assert.equal((await lading("copy", v2, `${pushed}:8`, "--dry-run")).code, 2);
    done(await lading("delete", pushed));
    assert.equal((await lading("tags", pushed)).code, 3);
  });
});
