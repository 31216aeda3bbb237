// Directories of images, as skopeo has them, in the command.
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import assert from "node:assert/strict";
import { lading, type Run, withRegistry } from "./lading_main.ts";

function done({ code, out, errors }: Run): string {
  assert.equal(code, 0, errors);
  return out.trim();
}

test("lading copies to dir: and back, and looks into it", async () => {
  await withRegistry(async (image, folder, digest) => {
    const directory = `dir:${folder}/image`;
    assert.equal(done(await lading("copy", image, directory)), digest);
    assert.equal(done(await lading("digest", directory)), digest);
    assert.equal(done(await lading("tags", directory)), "");
    assert.equal(
      done(await lading("ls", directory, "--platform", "linux/amd64")),
      done(await lading("ls", image, "--platform", "linux/amd64")),
    );
    assert.match((await lading("validate", directory)).errors, /is valid/);
    done(await lading("copy", directory, image.replace("app:1", "copied:2")));
    assert.equal(done(await lading("digest", image.replace("app:1", "copied:2"))), digest);
    const pushed = done(await lading("push", `${folder}/image`, `oci:${folder}/layout:3`));
    assert.equal(pushed, `oci:${folder}/layout@${digest}`);
  });
});

test("lading writes over no image with --no-clobber, and over nothing that is no image", async () => {
  await withRegistry(async (image, folder, digest) => {
    const directory = `dir:${folder}/image`;
    done(await lading("copy", image, directory, "-n"));
    const taken = await lading("copy", image, directory, "-n", "--platform", "linux/amd64");
    assert.equal(taken.code, 1);
    assert.match(taken.errors, /there is such a file already/);
    assert.equal(done(await lading("digest", directory)), digest);
    const smaller = done(await lading("copy", image, directory, "--platform", "linux/amd64"));
    assert.notEqual(smaller, digest);
    assert.equal(done(await lading("digest", directory)), smaller);
    writeFileSync(join(folder, "thesis.txt"), "precious");
    const before = readdirSync(folder);
    const refused = await lading("copy", image, `dir:${folder}`);
    assert.equal(refused.code, 1);
    assert.match(refused.errors, /something else is there/);
    assert.deepEqual(readdirSync(folder), before);
    assert.equal((await lading("copy", `dir:${folder}/none`, directory)).code, 3);
  });
});
