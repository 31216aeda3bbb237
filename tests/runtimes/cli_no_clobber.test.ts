// What copies do with names that stand for something already, and what they would do.
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import assert from "node:assert/strict";
import { lading, type Run, withRegistry } from "./lading_main.ts";

const PLATFORM = ["--platform", "linux/amd64"];

function done({ code, out, errors }: Run): string {
  assert.equal(code, 0, errors);
  return out.trim();
}

/** Asserts that a command ends with 1 and one line. */
function refused(run: Run, message: RegExp): void {
  assert.equal(run.code, 1, run.errors);
  assert.match(run.errors, message);
  assert.equal(run.errors.trim().split("\n").length, 1, run.errors);
  assert.equal(run.out, "");
}

test("lading copy --no-clobber takes no name from another image", async () => {
  await withRegistry(async (image, folder, digest) => {
    const other = image.replace("acme/app:1", "acme/other:1");
    for (const to of [other, `oci:${folder}/layout:1`]) {
      done(await lading("copy", image, to, "--no-clobber"));
      done(await lading("copy", image, to, "-n"));
      const taken = /Cannot give the name "1" to sha256:\w+: it stands for sha256:\w+\n/;
      refused(await lading("copy", image, to, "--no-clobber", ...PLATFORM), taken);
      refused(await lading("copy", image, to, "--no-clobber", "--dry-run", ...PLATFORM), taken);
      assert.equal(done(await lading("digest", to)), digest);
      done(await lading("copy", image, to, ...PLATFORM));
      assert.notEqual(done(await lading("digest", to)), digest);
    }
  });
});

test("lading copy --no-clobber writes over no file", async () => {
  await withRegistry(async (image, folder) => {
    const file = join(folder, "image.tar");
    writeFileSync(file, "precious");
    for (const transport of ["oci-archive", "docker-archive"]) {
      const to = `${transport}:${file}`;
      refused(await lading("copy", image, to, "-n", ...PLATFORM), /there is such a file already/);
      const plan = await lading("copy", image, to, "-n", "--dry-run", ...PLATFORM);
      refused(plan, /there is such a file already/);
    }
    assert.equal(readFileSync(file, "utf8"), "precious");
    assert.deepEqual(readdirSync(folder), ["image.tar"]);
    done(await lading("copy", image, `oci-archive:${folder}/new.tar`, "-n", ...PLATFORM));
    const engine = await lading("copy", image, "docker-daemon:app:1", "-n", ...PLATFORM);
    refused(engine, /moves names when it loads/);
    assert.equal((await lading("copy", image, "docker-archive:-", "-n")).code, 2);
    assert.equal((await lading("copy", image, "docker-v1://127.0.0.1:1/app", "-n")).code, 2);
  });
});

test("lading sync --dry-run tells what would be copied, and moves nothing", async () => {
  await withRegistry(async (image, folder, digest) => {
    done(await lading("tag", image, "2", "3"));
    const [from, to] = [image.replace(/:1$/, ""), `oci:${folder}/layout`];
    const first = await lading("sync", from, to, "--dry-run", "--exclude", "3");
    assert.equal(done(first), `copy       1  ${digest}\ncopy       2  ${digest}`);
    assert.match(first.errors, /^2 of 2 tags and [\d.]+ \w+ would be copied\n$/);
    assert.equal(existsSync(join(folder, "layout")), false);
    done(await lading("copy", image, `${to}:2`, ...PLATFORM));
    done(await lading("copy", image, `${to}:3`));
    const plan = ["sync", from, to, "--dry-run", "--no-clobber"];
    const kept = done(await lading("digest", `${to}:2`));
    assert.equal(
      done(await lading(...plan)),
      `copy       1  ${digest}\nkeep       2  ${kept}\nunchanged  3  ${digest}`,
    );
    const { tags, blobs, manifests, bytesToCopy, failed } = JSON.parse(
      done(await lading(...plan, "--json")),
    );
    assert.deepEqual(tags.map(({ action }: { action: string }) => action), [
      "copy",
      "keep",
      "unchanged",
    ]);
    assert.deepEqual([bytesToCopy, failed], [0, []]);
    assert.ok(blobs.length > 0 && manifests.length > 0);
    const synced = await lading("sync", from, to, "-n");
    assert.equal(done(synced), `1  ${digest}`);
    assert.match(synced.errors, /1 copied, 1 unchanged, 1 kept, 0 failed/);
    assert.equal(done(await lading("digest", `${to}:2`)), kept);
  });
});

test("lading sync --dry-run within a registry tells what would be mounted", async () => {
  await withRegistry(async (image) => {
    const [from, to] = [image.replace(/:1$/, ""), image.replace("acme/app:1", "mirror/app")];
    const { blobs } = JSON.parse(done(await lading("sync", from, to, "--dry-run", "--json")));
    const actions = new Set(blobs.map(({ action }: { action: string }) => action));
    assert.deepEqual([...actions], ["mount"]);
    assert.equal((await lading("digest", `${to}:1`)).code, 3);
  });
});

test("lading sync --format converts each tag once", async () => {
  await withRegistry(async (image, folder) => {
    const [from, to] = [image.replace(/:1$/, ""), `oci:${folder}/layout`];
    const sync = ["sync", from, to, "--format", "docker"];
    const converted = done(await lading(...sync)).split("  ")[1];
    assert.equal(done(await lading("digest", `${to}:1`)), converted);
    const index = JSON.parse(done(await lading("manifest", `${to}:1`, "--platform", "all")));
    assert.match(index.mediaType, /vnd\.docker/);
    const again = await lading(...sync);
    assert.equal(done(again), "");
    assert.match(again.errors, /0 copied, 1 unchanged/);
    assert.equal((await lading(...sync.slice(0, -1), "zip")).code, 2);
  });
});
