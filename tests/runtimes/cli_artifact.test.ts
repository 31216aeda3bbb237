import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import assert from "node:assert/strict";
import { lading, type Run, withRegistry } from "./lading_main.ts";

const TYPE = ["--artifact-type", "application/vnd.acme.rules"];

function done({ code, out, errors }: Run): string {
  assert.equal(code, 0, errors);
  return out.trim();
}

test("lading artifact push stores files under a name, and artifact pull writes them again", async () => {
  await withRegistry(async (image, folder) => {
    const [one, two] = [join(folder, "a.txt"), join(folder, "b.json")];
    writeFileSync(one, "one");
    writeFileSync(two, "{}");
    const repository = image.slice(0, -2).replace("app", "rules");
    for (const place of [`${repository}:1`, `oci:${folder}/layout:1`]) {
      const files = [one, `${two}:application/json`];
      const pinned = done(await lading("artifact", "push", place, ...files, ...TYPE));
      assert.match(pinned, /sha256:[0-9a-f]{64}$/);
      const directory = join(folder, place.startsWith("oci:") ? "second" : "first");
      assert.equal(done(await lading("artifact", "pull", place, directory)), "a.txt\nb.json");
      assert.equal(readFileSync(join(directory, "a.txt"), "utf8"), "one");
      assert.equal((await lading("artifact", "pull", place, directory)).code, 1);
      const again = await lading("artifact", "pull", place, directory, "--replace", "--json");
      const { artifactType, files: saved } = JSON.parse(done(again));
      assert.equal(artifactType, TYPE[1]);
      assert.equal(saved[1].descriptor.mediaType, "application/json");
    }
  });
});

test("an artifact of which nobody says what it is has the type that oras gives it", () =>
  withRegistry(async (image, folder) => {
    const file = join(folder, "notes");
    writeFileSync(file, "notes");
    const place = `${image.slice(0, -2)}:notes`;
    done(await lading("artifact", "push", place, file));
    const { artifactType, config, layers } = JSON.parse(done(await lading("manifest", place)));
    assert.equal(artifactType, "application/vnd.unknown.artifact.v1");
    assert.equal(config.mediaType, "application/vnd.oci.empty.v1+json");
    assert.equal(layers[0].mediaType, "application/octet-stream");
    const attached = await lading("attach", image, file);
    assert.equal(attached.code, 2);
    assert.match(attached.errors, /^lading: name the kind of artifact: --artifact-type/);
  }));

test("lading artifact pull writes what was attached to an image", async () => {
  await withRegistry(async (image, folder) => {
    writeFileSync(join(folder, "sbom.json"), "{}");
    const pinned = done(await lading("attach", image, join(folder, "sbom.json"), ...TYPE));
    mkdirSync(join(folder, "out"));
    assert.equal(done(await lading("artifact", "pull", pinned, join(folder, "out"))), "sbom.json");
  });
});

test("lading artifact says what is wrong, and writes nothing", async () => {
  await withRegistry(async (image, folder) => {
    writeFileSync(join(folder, "file"), "");
    const out = join(folder, "out");
    const rows: readonly (readonly [number, readonly string[]])[] = [
      [2, ["push", image, join(folder, "file"), "--artifact-type", "rules"]],
      [2, ["push", image, ...TYPE]],
      [3, ["push", image, join(folder, "none"), ...TYPE]],
      [1, ["push", image, folder, ...TYPE]],
      [3, ["pull", `${image}-none`, out]],
      [1, ["pull", image, out]],
      [2, ["pul", image]],
    ];
    for (const [code, args] of rows) {
      const run = await lading("artifact", ...args);
      assert.equal(run.code, code, `${args.join(" ")}: ${run.errors}`);
      assert.equal(run.errors.trim().split("\n").length, 1, run.errors);
    }
    assert.deepEqual(readdirSync(folder), ["file"]);
    const layers = await lading("artifact", "pull", image, out, "--platform", "linux/arm64");
    assert.equal(done(layers), "");
    assert.match(layers.errors, /has no file name and was left out/);
  });
});
