// The engine as a place: what `lading copy`, `ls` and `pull` make of docker-daemon:.
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import assert from "node:assert/strict";
import { noDockerEngine, withDockerEngine } from "../support/docker_engine.ts";
import { inScratch, mustRun, run } from "../support/program.ts";

const skip = noDockerEngine();

test(
  "images go into an engine and out of it, and the files are the same",
  { skip },
  () =>
    inScratch((folder) =>
      withDockerEngine(join(folder, "engine"), async ({ docker, env }) => {
        const lading = (...args: string[]) =>
          mustRun(process.execPath, ["lib/cli/main.ts", ...args], {
            env: { ...env, LADING_CACHE: join(folder, "cache") },
          });
        const image = `oci:${folder}/image:1`;
        await lading("append", "scratch", "lib/model:/model", "README.md:/doc/", "--to", image);
        const pinned = (await lading("copy", image, "docker-daemon:acme/app:1")).stdout.trim();
        assert.match(pinned, /^sha256:/);
        const inspected = await docker("image", "inspect", "acme/app:1");
        assert.deepEqual(JSON.parse(inspected.stdout)[0].RepoTags, ["acme/app:1"]);
        const back = `oci:${folder}/back:1`;
        await lading("copy", "docker-daemon:acme/app:1", back);
        const listing = async (place: string) => (await lading("ls", "--long", place)).stdout;
        assert.equal(await listing(back), await listing(image));
        assert.equal(await listing("docker-daemon:acme/app:1"), await listing(image));
        assert.equal((await run(process.execPath, ["lib/cli/main.ts", "validate", back])).code, 0);
        const cat = await lading("cat", "docker-daemon:acme/app:1", "/doc/README.md");
        assert.match(cat.stdout, /^# lading/);
        const absent = ["lib/cli/main.ts", "digest", "docker-daemon:acme/none:1"];
        const failed = await run(process.execPath, absent, { env });
        assert.equal(failed.code, 3, failed.stderr);
        assert.match(failed.stderr, /^lading: [^\n]+\n$/);
      })
    ),
);

test("an engine that is not there is one line and exit code 1", { skip }, async () => {
  const env = { DOCKER_HOST: "unix:///nowhere/docker.sock" };
  const args = ["lib/cli/main.ts", "ls", "docker-daemon:acme/app:1"];
  const { code, stderr } = await run(process.execPath, args, { env });
  assert.equal(code, 1, stderr);
  assert.match(stderr, /^lading: [^\n]+\n$/);
});
