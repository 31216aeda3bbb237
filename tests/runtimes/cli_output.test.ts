// Answers in bytes that go to a file: all of it, or what was there before.
import { execFileSync } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import assert from "node:assert/strict";
import { lading, type Run, withRegistry } from "./lading_main.ts";

function done({ code, out, errors }: Run): string {
  assert.equal(code, 0, errors);
  return out.trim();
}

/** A layer of the image. */
async function layerOf(image: string): Promise<string> {
  const { layers } = JSON.parse(done(await lading("manifest", image, "--platform", "linux/amd64")));
  return layers[0].digest;
}

test("what commands print in bytes --output writes to a file, over one that is there", async () => {
  await withRegistry(async (image, folder) => {
    const [repository = ""] = image.split(":1");
    const platform = ["--platform", "linux/amd64"];
    const files = JSON.parse(done(await lading("ls", image, "--json", ...platform)));
    const { path } = files.find(({ type, size }: { type: string; size: number }) =>
      type === "file" && size > 0
    );
    const file = join(folder, "file");
    const calls = [
      ["manifest", image],
      ["config", image, ...platform],
      ["blob", `${repository}@${await layerOf(image)}`],
      ["export", image, ...platform],
      ["cat", image, path, ...platform],
    ];
    for (const args of calls) {
      const { bytes } = await lading(...args);
      assert.equal(done(await lading(...args, "--output", file)), "");
      assert.deepEqual(new Uint8Array(readFileSync(file)), bytes, args.join(" "));
      assert.deepEqual((await lading(...args, "-o", "-")).bytes, bytes);
    }
    assert.deepEqual(readdirSync(folder), ["file"]);
  });
});

test("--output leaves what was there when the answer turns out to be wrong, and no half file", async () => {
  await withRegistry(async (image, folder) => {
    const layout = join(folder, "layout");
    done(await lading("copy", image, `oci:${layout}`, "--platform", "linux/amd64"));
    const digest = await layerOf(image);
    const blob = join(layout, "blobs", digest.replace(":", "/"));
    const bytes = readFileSync(blob);
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
    writeFileSync(blob, bytes);
    const answers = join(folder, "answers");
    mkdirSync(answers);
    writeFileSync(join(answers, "old"), "good");
    for (const name of ["old", "new"]) {
      const to = join(answers, name);
      for (const args of [["blob", `oci:${layout}@${digest}`], ["export", `oci:${layout}`]]) {
        const run = await lading(...args, "-o", to);
        assert.equal(run.code, 5, `${args.join(" ")}: ${run.errors}`);
      }
      assert.equal((await lading("cat", image, "/no/such/file", "-o", to)).code, 3);
    }
    truncateSync(blob, 10);
    assert.notEqual((await lading("export", `oci:${layout}`, "-o", join(answers, "old"))).code, 0);
    assert.deepEqual(readdirSync(answers), ["old"]);
    assert.equal(readFileSync(join(answers, "old"), "utf8"), "good");
  });
});

test("--output takes a file alone: no directory, no pipe, and through a link its file", async () => {
  await withRegistry(async (image, folder) => {
    const pipe = join(folder, "pipe");
    execFileSync("mkfifo", [pipe]);
    const bad = [folder, pipe, join(folder, "none/"), ""];
    for (const to of bad) assert.equal((await lading("manifest", image, `--output=${to}`)).code, 2);
    assert.equal(lstatSync(pipe).isFIFO(), true);
    const elsewhere = join(folder, "no/such/directory/file");
    assert.notEqual((await lading("manifest", image, "-o", elsewhere)).code, 0);
    assert.equal(existsSync(join(folder, "no")), false);
    const [file, link] = [join(folder, "file"), join(folder, "link")];
    writeFileSync(file, "old");
    symlinkSync("file", link);
    done(await lading("manifest", image, "-o", link));
    assert.equal(lstatSync(link).isSymbolicLink(), true);
    assert.deepEqual(new Uint8Array(readFileSync(file)), (await lading("manifest", image)).bytes);
    const [repository = ""] = image.split(":1");
    const blob = `${repository}@${await layerOf(image)}`;
    assert.equal((await lading("blob", blob, "--json", "-o", file)).code, 2);
  });
});
