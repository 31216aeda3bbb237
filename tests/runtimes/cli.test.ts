import { test } from "node:test";
import assert from "node:assert/strict";
import { memoryStore, registryHandler } from "../../mod.ts";
import { digestBytes } from "../../lib/hash/mod.ts";
import type { BlobEvent } from "../../lib/model/events.ts";
import { COMMANDS } from "../../lib/cli/_commands.ts";
import { modeString } from "../../lib/cli/_long_listing.ts";
import { parseCommandLine } from "../../lib/cli/_parse.ts";
import { TransferDisplay } from "../../lib/cli/_transfer_display.ts";
import { serve } from "../../lib/runtime/serve.ts";
import { readTar } from "../../lib/tar/mod.ts";
import { streamOf } from "../../lib/bytes/mod.ts";
import { randomImage } from "../../lib/testing/mod.ts";
import { lading, withRegistry } from "./lading_main.ts";

test("lading pull answers with the digest-pinned reference, and its layout can be read", async () => {
  await withRegistry(async (image, folder, digest) => {
    const place = `oci:${folder}/layout`;
    const pulled = await lading("pull", image, place, "--platform", "all");
    assert.equal(pulled.code, 0, pulled.errors);
    const pinned = `${image.slice(0, -2)}@${digest}`;
    assert.equal(pulled.out.trim(), pinned);
    const again = await lading("pull", image, place, "--platform", "all", "--json");
    const told = JSON.parse(again.out);
    assert.deepEqual([told.reference, told.place, told.bytesFetched], [pinned, place, 0]);
    assert.equal((await lading("digest", `${place}:1`)).out.trim(), digest);
    const valid = await lading("validate", `${place}:1`, "--json");
    assert.equal(valid.code, 0, valid.errors);
    assert.equal(JSON.parse(valid.out).ok, true);
    const inspected = await lading("inspect", `${place}:1`, "--platform", "linux/amd64", "--json");
    assert.equal(JSON.parse(inspected.out).platform, "linux/amd64", inspected.errors);
  });
});

test("lading inspect names the platforms of the index that the image is from", async () => {
  await withRegistry(async (image, folder, digest) => {
    const platform = ["--platform", "linux/amd64"];
    const { out, errors } = await lading("inspect", image, "--json", ...platform);
    const { index, config, layers, ...inspected } = JSON.parse(out);
    assert.equal(index.digest, digest, errors);
    assert.ok(index.platforms.includes("linux/amd64") && index.platforms.length > 1, out);
    assert.equal(inspected.platform, "linux/amd64");
    assert.equal(layers.length, config.rootfs.diff_ids.length);
    const text = (await lading("inspect", image, ...platform)).out;
    assert.match(text, /^digest {6}sha256:/);
    assert.ok(text.includes(`\nindex       ${digest}  ${index.platforms.join(" ")}\n`), text);
    const place = `oci:${folder}/one`;
    assert.equal((await lading("pull", image, place, ...platform)).code, 0);
    const single = JSON.parse((await lading("inspect", place, "--json")).out);
    assert.deepEqual([single.digest, single.index], [inspected.digest, undefined]);
  });
});

test("lading ls, cat and export agree on the files of an image", async () => {
  await withRegistry(async (image) => {
    const platform = ["--platform", "linux/amd64"];
    const listed = await lading("ls", image, "--json", ...platform);
    assert.equal(listed.code, 0, listed.errors);
    const files = (JSON.parse(listed.out) as { path: string; type: string; size: number }[])
      .filter(({ type }) => type === "file");
    const [file] = files;
    assert.ok(file !== undefined);
    const { bytes } = await lading("cat", image, file.path, ...platform);
    assert.equal(bytes.length, file.size);
    const exported = await lading("export", image, ...platform);
    const names = new Set<string>();
    for await (const entry of readTar(streamOf(exported.bytes))) names.add(entry.path);
    for (const { path } of files) assert.ok(names.has(path), path);
  });
});

test("lading tags, catalog, manifest and config answer from a registry", async () => {
  await withRegistry(async (image) => {
    const [host = ""] = image.split("/");
    assert.equal((await lading("tags", `${host}/acme/app`)).out, "1\n");
    assert.equal((await lading("catalog", host)).out, "acme/app\n");
    const platform = ["--platform", "linux/amd64"];
    const manifest = JSON.parse((await lading("manifest", image, ...platform)).out);
    // Without a platform it is what the name stands for, as lading digest tells it.
    for (const args of [platform, []]) {
      const { bytes } = await lading("manifest", image, ...args);
      const digest = await lading("digest", image, ...args);
      assert.equal(digest.out, `${digestBytes("sha256", bytes)}\n`, args.join(" "));
    }
    const config = await lading("config", image, ...platform);
    assert.equal(config.bytes.length, manifest.config.size);
  });
});

test("lading says what went wrong in one line, with the right exit code", async () => {
  await withRegistry(async (image, folder) => {
    const place = `oci:${folder}/none`;
    const rows: readonly (readonly [number, readonly string[]])[] = [
      [2, ["pul", image]],
      [2, ["pull"]],
      [2, ["pull", "UPPER:case"]],
      [2, ["pull", image, place, "--jobs", "0"]],
      [2, ["pull", image, place, "--none"]],
      [3, ["pull", `${image}-none`, place]],
      [3, ["digest", place]],
      [3, ["inspect", image, "--platform", "plan9/mips"]],
    ];
    for (const [code, args] of rows) {
      const run = await lading(...args);
      assert.equal(run.code, code, `${args.join(" ")}: ${run.errors}`);
      assert.match(run.errors, /^lading: [^\n]+\n$/, args.join(" "));
      assert.equal(run.out, "");
    }
    assert.match((await lading("pul", image)).errors, /did you mean "pull"/);
  });
});

/** Gives the arguments of the calls of `lading` in an example. */
function callsIn(example: string): string[][] {
  const calls = [...example.replace(/\s#.*$/, "").matchAll(/\blading ([^|>&$)]*)/g)];
  return calls.map(([, args = ""]) => args.trim().split(/\s+/));
}

test("every command has a help, with examples that it understands", async () => {
  const groups = COMMANDS.filter(({ commands }) => commands !== undefined);
  assert.deepEqual(groups.map(({ name }) => name), [
    "manifest",
    "blob",
    "artifact",
    "auth",
    "engine",
  ]);
  for (const command of [...COMMANDS, ...groups.flatMap(({ commands = [] }) => commands)]) {
    const { group, examples } = command;
    const words = group === undefined ? [command.name] : [group, command.name];
    const name = words.join(" ");
    // A group has a help of its own, without the options of its commands.
    const isGroup = command.commands !== undefined && command.isVerb !== true;
    const { code, out } = await lading(...words, "--help");
    assert.equal(code, 0, name);
    assert.equal((await lading("help", ...words)).out, out);
    assert.match(out, new RegExp(`\nUsage: lading ${name}[^\n]* \\[OPTIONS\\]\n`), name);
    for (const inner of command.commands ?? []) {
      assert.match(out, new RegExp(`^ {2}${name} ${inner.name}.* {2}${inner.summary}$`, "m"));
    }
    for (const option of isGroup ? [] : [...Object.keys(command.options), "quiet", "help"]) {
      assert.ok(out.includes(`--${option} `), `${name} --${option}`);
    }
    assert.ok(examples.length > 0, name);
    for (const example of examples) {
      assert.ok(out.includes(`  ${example}\n`), example);
      const calls = callsIn(example);
      assert.ok(calls.length > 0, example);
      for (const args of calls) parseCommandLine(COMMANDS, args);
    }
  }
  const all = (await lading()).out;
  assert.equal((await lading("--help")).out, all);
  const version = (await lading("version")).out;
  for (const name of ["--version", "-V", "-v"]) assert.equal((await lading(name)).out, version);
  for (const { name, summary } of COMMANDS) {
    assert.match(all, new RegExp(`^ {2}${name}.* {2}${summary}$`, "m"));
  }
});

test("modeString() writes types, permissions and special bits as ls does", () => {
  const rows = [
    ["file", 0o644, "-rw-r--r--"],
    ["file", 0o4755, "-rwsr-xr-x"],
    ["file", 0o4644, "-rwSr--r--"],
    ["file", 0o2755, "-rwxr-sr-x"],
    ["file", 0o2745, "-rwxr-Sr-x"],
    ["directory", 0o1777, "drwxrwxrwt"],
    ["directory", 0o1776, "drwxrwxrwT"],
    ["symlink", 0o777, "lrwxrwxrwx"],
    ["character-device", 0o666, "crw-rw-rw-"],
    ["block-device", 0o660, "brw-rw----"],
    ["fifo", 0, "p---------"],
  ] as const;
  for (const [type, mode, expected] of rows) assert.equal(modeString({ type, mode }), expected);
});

test("the display of a copy has a line for each blob that moves, and the rate of the last seconds", () => {
  const display = new TransferDisplay();
  const event = (letter: string, current: number, status: BlobEvent["status"]): BlobEvent => {
    const digest = `sha256:${letter.repeat(64)}`;
    const descriptor = { mediaType: "text/plain", digest, size: 10_000 };
    return { type: "blob", descriptor, current, total: 10_000, status };
  };
  assert.deepEqual(display.lines(0), []);
  display.add(event("a", 0, "moving"), 0);
  display.lines(0);
  display.add(event("a", 5000, "moving"), 1000);
  display.add(event("b", 0, "moving"), 1000);
  assert.deepEqual(display.lines(1000), [
    `aaaaaaaaaaaa  [${"=".repeat(12)}>${" ".repeat(11)}]  5.0 kB of 10.0 kB, 5.0 kB/s`,
    `bbbbbbbbbbbb  [>${" ".repeat(23)}]  0 B of 10.0 kB`,
    "0 done, 5.0 kB moved, 5.0 kB/s",
  ]);
  display.add(event("a", 10_000, "done"), 2000);
  display.add(event("c", 10_000, "exists"), 2000);
  assert.equal(display.lines(2000).at(-1), "2 done, 10.0 kB moved, 5.0 kB/s");
  // A stall is seen as one, and an attempt that starts again does not count backwards.
  for (let time = 2000; time <= 8000; time += 500) display.lines(time);
  assert.equal(display.lines(8000).at(-1), "2 done, 10.0 kB moved, 0 B/s");
  display.add(event("b", 8000, "moving"), 8000);
  display.add(event("b", 1000, "moving"), 9000);
  assert.match(display.lines(9000)[0] ?? "", /1\.0 kB of 10\.0 kB$/);
});

test("lading referrers lists what was said about an image", async () => {
  const store = memoryStore();
  const image = await randomImage("subject");
  await image.pushTo(store, "acme/app:1");
  const artifactType = "application/vnd.acme.signature";
  const about = { subject: image.descriptor, artifactType };
  const signature = await randomImage("signature", about);
  await signature.pushTo(store, "acme/app:signature");
  const server = await serve(registryHandler(store));
  try {
    const name = `127.0.0.1:${server.port}/acme/app:1`;
    const listed = await lading("referrers", name);
    assert.match(listed.out, new RegExp(`^${signature.descriptor.digest}  .*${artifactType}\n$`));
    const json = await lading("referrers", name, "--artifact-type", artifactType, "--json");
    assert.equal(JSON.parse(json.out)[0].digest, signature.descriptor.digest);
    assert.equal((await lading("referrers", name, "--artifact-type", "a/b")).out, "");
  } finally {
    await server.close();
  }
});

test("lading copy mounts within a registry, and --dry-run moves nothing", async () => {
  await withRegistry(async (image, folder, digest) => {
    const copied = image.replace("acme/app", "acme/copied");
    const planned = await lading("copy", image, copied, "--dry-run", "--json");
    assert.equal(planned.code, 0, planned.errors);
    const { blobs, manifests } = JSON.parse(planned.out);
    assert.ok(blobs.every(({ action }: { action: string }) => action === "mount"));
    assert.equal(manifests.length, 3);
    assert.equal((await lading("digest", copied)).code, 3);
    const mounted = await lading("copy", image, copied, "--json");
    const result = JSON.parse(mounted.out);
    assert.ok(result.bytesMounted > 0);
    assert.match(mounted.errors, /[1-9][\d.]* k?B mounted, 0 B were there\n$/);
    assert.equal(result.descriptor.digest, digest);
    assert.equal((await lading("digest", copied)).out.trim(), digest);
    const shown = await lading("copy", image, `oci:${folder}/layout`, "--dry-run");
    assert.match(shown.out, /^copy {4}sha256:[0-9a-f]{64} {2}/m);
    assert.match(shown.errors, /would be copied/);
    assert.equal((await lading("digest", `oci:${folder}/layout`)).code, 3);
  });
});

test("lading copy and pull take one platform of an index that is pinned by its digest", async () => {
  await withRegistry(async (image, folder, digest) => {
    const pinned = `${image.replace(/:1$/, "")}@${digest}`;
    const one = (await lading("digest", image, "--platform", "linux/arm64")).out.trim();
    assert.notEqual(one, digest);
    const platform = ["--platform", "linux/arm64"];
    for (const verb of ["copy", "pull"]) {
      const places = ["oci:", "dir:", "oci-archive:", "docker-archive:"];
      for (const to of places.map((transport) => `${transport}${folder}/${verb}-${transport}`)) {
        const run = await lading(verb, pinned, to.replace(/:$/, ""), ...platform);
        assert.equal(run.code, 0, run.errors);
        assert.ok(run.out.trim().endsWith(one), run.out);
        const kept = await lading("digest", to.replace(/:$/, ""));
        assert.equal(kept.out.trim(), one, kept.errors);
      }
    }
    const layout = `oci:${folder}/all`;
    assert.equal((await lading("copy", pinned, layout)).code, 0);
    const out = await lading("copy", `${layout}@${digest}`, `oci:${folder}/again`, ...platform);
    assert.equal(out.out.trim(), `oci:${folder}/again@${one}`, out.errors);
    const planned = await lading("copy", pinned, `oci:${folder}/plan`, ...platform, "--dry-run");
    assert.equal(planned.code, 0, planned.errors);
    assert.equal((await lading("copy", pinned, `oci:${folder}/d`, "--format", "docker")).code, 0);
  });
});

test("a tag that stands before a digest is the name of the image in its copy", async () => {
  await withRegistry(async (image, folder, digest) => {
    const layout = `oci:${folder}/layout`;
    assert.equal((await lading("copy", `${image}@${digest}`, layout)).code, 0);
    assert.equal((await lading("tags", layout, "--digests")).out, `1  ${digest}\n`);
    assert.equal((await lading("copy", image.replace(/:1$/, `@${digest}`), `${layout}2`)).code, 0);
    assert.equal((await lading("tags", `${layout}2`)).out, "");
  });
});
