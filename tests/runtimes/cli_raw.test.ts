// Blobs and manifests on their own: what is read is pushed again, byte for byte.
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import assert from "node:assert/strict";
import { lading, type Run, withRegistry } from "./lading_main.ts";
import { inShell } from "./lading_process.ts";

function done({ code, out, errors }: Run): string {
  assert.equal(code, 0, errors);
  return out.trim();
}

test("lading blob push and manifest push rebuild an image piece by piece, with its digest", async () => {
  await withRegistry(async (image, folder) => {
    const platform = ["--platform", "linux/amd64"];
    const digest = done(await lading("digest", image, ...platform));
    const [repository] = image.split(":1");
    const { bytes } = await lading("manifest", image, ...platform);
    const manifest = join(folder, "manifest.json");
    writeFileSync(manifest, bytes);
    const { config, layers } = JSON.parse(new TextDecoder().decode(bytes));
    for (const place of [image.replace("acme/app:1", "acme/copy"), `oci:${folder}/layout`]) {
      const file = join(folder, "blob");
      for (const blob of [config, ...layers]) {
        writeFileSync(file, (await lading("blob", `${repository}@${blob.digest}`)).bytes);
        const pinned = `${place}@${blob.digest}`;
        assert.equal(done(await lading("blob", "push", place, file)), pinned);
        // It is there already, and may be named by its digest.
        const type = ["--media-type", blob.mediaType, "--json"];
        const again = await lading("blob", "push", `${place}@${blob.digest}`, file, ...type);
        const { mediaType, size } = blob;
        assert.deepEqual(JSON.parse(done(again)), { mediaType, digest: blob.digest, size });
      }
      const pushed = done(await lading("manifest", "push", `${place}:2`, manifest));
      assert.equal(pushed, `${place}@${digest}`);
      assert.deepEqual((await lading("manifest", `${place}:2`, ...platform)).bytes, bytes);
      assert.equal((await lading("validate", `${place}:2`)).code, 0);
    }
  });
});

test("lading blob push and manifest push read their standard input, and leave no file", async () => {
  await withRegistry(async (image, folder, digest) => {
    const temporary = join(folder, "temporary");
    mkdirSync(temporary);
    const env = { TMPDIR: temporary };
    const [repository] = image.split(":1");
    const script = `echo hello | "$@" blob push ${repository} - &&
      "$@" manifest ${image} --platform all | "$@" manifest push ${repository}:again -`;
    const { code, stdout, stderr } = await inShell(script, { env });
    assert.equal(code, 0, stderr);
    const hello = "sha256:5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03";
    assert.equal(stdout, `${repository}@${hello}\n${repository}@${digest}\n`);
    assert.equal((await lading("blob", `${repository}@${hello}`)).out, "hello\n");
    assert.deepEqual(readdirSync(temporary), []);
  });
});

test("lading blob --json tells of a blob, and blob delete removes it", async () => {
  await withRegistry(async (image, folder, digest) => {
    const [repository = ""] = image.split(":1");
    const file = join(folder, "file");
    writeFileSync(file, "hello\n");
    for (const place of [repository, `oci:${folder}/layout`]) {
      done(await lading("blob", "push", place, file));
      const hello = "sha256:5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03";
      const name = `${place}@${hello}`;
      const mediaType = "application/octet-stream";
      const told = JSON.parse(done(await lading("blob", name, "--json")));
      assert.deepEqual(told, { mediaType, digest: hello, size: 6 });
      const deleted = await lading("blob", "delete", name);
      assert.equal(done(deleted), "");
      assert.equal(deleted.errors, `deleted ${hello}\n`);
      for (const args of [[name], [name, "--json"], ["delete", name]]) {
        const run = await lading("blob", ...args);
        assert.equal(run.code, 3, `${args.join(" ")}: ${run.errors}`);
        assert.equal(run.errors.trim().split("\n").length, 1);
      }
    }
    const archive = `oci-archive:${folder}/image.tar`;
    done(await lading("copy", image, archive));
    assert.equal((await lading("blob", "delete", `${archive}@${digest}`)).code, 2);
    assert.equal((await lading("blob", "delete", image)).code, 2);
    assert.equal((await lading("validate", image)).code, 0);
  });
});

test("lading blob push and manifest push say what is wrong, and write nothing", async () => {
  await withRegistry(async (image, folder, digest) => {
    const [repository = ""] = image.split(":1");
    const file = join(folder, "file");
    writeFileSync(file, "{}");
    const absent = { mediaType: "a/b", digest: `sha256:${"0".repeat(64)}`, size: 1 };
    const broken = join(folder, "broken.json");
    const mediaType = "application/vnd.oci.image.manifest.v1+json";
    writeFileSync(
      broken,
      JSON.stringify({ schemaVersion: 2, mediaType, config: absent, layers: [] }),
    );
    const rows: readonly (readonly [number, RegExp, readonly string[]])[] = [
      [2, /too few/, ["blob", "push", repository]],
      [2, /name one without a tag/, ["blob", "push", image, file]],
      [2, /name one without a tag/, ["blob", "push", `oci:${folder}/x:1`, file]],
      [2, /name one without a tag/, ["blob", "push", `oci-archive:${folder}/x`, file]],
      [3, /./, ["blob", "push", repository, join(folder, "none")]],
      [5, /the digest sha256/, ["blob", "push", `${repository}@${digest}`, file]],
      [2, /too many/, ["manifest", image, file]],
      [3, /./, ["manifest", "push", `${repository}:2`, join(folder, "none")]],
      [6, /./, ["manifest", "push", `${repository}:2`, file]],
      [5, /the digest sha256/, ["manifest", "push", `${repository}@${digest}`, broken]],
      [1, /MANIFEST_BLOB_UNKNOWN/, ["manifest", "push", `${repository}:2`, broken]],
    ];
    for (const [code, message, args] of rows) {
      const run = await lading(...args);
      assert.equal(run.code, code, `${args.join(" ")}: ${run.errors}`);
      assert.match(run.errors, message);
      assert.equal(run.errors.trim().split("\n").length, 1, run.errors);
      assert.equal(run.out, "");
    }
    assert.deepEqual(readdirSync(folder).sort(), ["broken.json", "file"]);
    assert.equal((await lading("digest", `${repository}:2`)).code, 3);
  });
});
