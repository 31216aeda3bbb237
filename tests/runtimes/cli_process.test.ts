import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import assert from "node:assert/strict";
import { registryHandler } from "../../mod.ts";
import { concatBytes } from "../../lib/bytes/mod.ts";
import { serve } from "../../lib/runtime/serve.ts";
import { memoryStore } from "../../lib/store/mod.ts";
import { type FaultRule, randomImage, randomIndex } from "../../lib/testing/mod.ts";
import { putImage, tarOf } from "../image/images.ts";
import { brokenFiles, type Ended, inShell, lading, withBench } from "./lading_process.ts";

const AMD64 = ["--platform", "linux/amd64"];

/** What every failure looks like: one line on stderr, and nothing on stdout. */
function assertFailed(run: Ended, code: number, what: string): void {
  assert.equal(run.code, code, `${what}: ${run.stderr}`);
  assert.match(run.stderr, /^lading: [^\n]+\n$/, what);
  assert.doesNotMatch(run.stderr, /\n {4}at |\bundefined\b|\[object/, what);
  assert.equal(run.stdout, "", what);
}

/** Makes a layer with a name that leads out of the root, which no writer writes. */
async function unsafeLayer(): Promise<Uint8Array<ArrayBuffer>> {
  const tar = await tarOf(["xx/evil=1"]);
  tar.set(new TextEncoder().encode(".."));
  tar.fill(32, 148, 156);
  const sum = tar.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  tar.set(new TextEncoder().encode(`${sum.toString(8).padStart(6, "0")}\0 `), 148);
  return tar;
}

test("the lading process answers on stdout, and says nothing else there", () =>
  withBench(async ({ host, store, folder }) => {
    const index = await randomIndex("process");
    await index.pushTo(store, "acme/app:1");
    const image = `${host}/acme/app:1`;
    const pulled = await lading(["pull", image, `oci:${folder}/app`, ...AMD64]);
    assert.equal(pulled.code, 0, pulled.stderr);
    assert.match(pulled.stdout, /^127\.0\.0\.1:\d+\/acme\/app@sha256:[0-9a-f]{64}\n$/);
    assert.match(pulled.stderr, /^moved [^\n]+\n$/);
    const quiet = await lading(["copy", image, `oci:${folder}/all:1`, "--quiet"]);
    assert.equal(quiet.stdout, `oci:${folder}/all@${index.descriptor.digest}\n`);
    assert.equal(quiet.stderr, "");
    const json = await lading(["digest", pulled.stdout.trim(), "--json"]);
    assert.deepEqual(Object.keys(JSON.parse(json.stdout)), ["mediaType", "digest", "size"]);
    const version = await lading(["--version"]);
    const { version: expected } = JSON.parse(readFileSync("package.json", "utf8"));
    assert.equal(version.stdout, `${expected}\n`);
    assert.equal(version.stderr, "");
  }));

test("the lading process ends with 2 when it is used wrongly, and says what was meant", async () => {
  const rows: readonly (readonly [readonly string[], RegExp])[] = [
    [["pul", "x"], /did you mean "pull"\?/],
    [["pull"], /usage: lading pull IMAGE \[PLACE\]/],
    [["pull", "a", "b", "c"], /too many arguments/],
    [["ls", "x", "--lon"], /did you mean "--long"\?/],
    [["ls", "x", "--long=1"], /takes no value/],
    [["pull", "x", "--platform"], /OS\/ARCH/],
    [["pull", "x", "--platform", "--json"], /--platform needs a value/],
    [["pull", "x", "oci:x", "--platform", "a/b/c/d/e/f"], /platform/],
    [["pull", "x", "oci:x", "--jobs", "0"], /1 to 999/],
    [["pull", "UPPER:case"], /reference/],
    [["pull", "line\nbreak"], /reference/],
    [["blob", "alpine"], /PLACE@DIGEST/],
    [["blob", "alpine@sha256:12"], /digest/],
    [["serve", "--listen", "x"], /\[HOST:\]PORT/],
    [["completions", "tcsh"], /bash, zsh, fish/],
    [["--quiet", "pull"], /after the command/],
  ];
  for (const [args, message] of rows) {
    const run = await lading(args);
    assertFailed(run, 2, args.join(" "));
    assert.match(run.stderr, message);
  }
});

test("the lading process ends with 3 for what is not there", () =>
  withBench(async ({ host, store, folder }) => {
    const image = await randomImage("absent");
    await image.pushTo(store, "acme/app:1");
    await (await randomIndex("absent")).pushTo(store, "acme/index:1");
    const digest = `sha256:${"0".repeat(64)}`;
    const rows: readonly (readonly string[])[] = [
      ["pull", `${host}/acme/app:none`, `oci:${folder}/x`],
      ["digest", `${host}/acme/none`],
      ["inspect", `${host}/acme/app@${digest}`],
      ["blob", `${host}/acme/app@${digest}`],
      ["blob", `oci:${folder}/none@${digest}`],
      ["tags", `${host}/acme/none`],
      ["inspect", `${host}/acme/index:1`, "--platform", "plan9/mips"],
      ["pull", `${host}/acme/index:1`, `oci:${folder}/x`, "--platform", "plan9/mips"],
      ["cat", `${host}/acme/app:1`, "/none"],
      ["ls", `oci:${folder}/none`],
      ["ls", `docker-archive:${folder}/none.tar`],
      ["ls", `oci-archive:${folder}/none.tar`],
      ["serve", `${folder}/none`, "--read-only"],
    ];
    for (const args of rows) assertFailed(await lading(args), 3, args.join(" "));
    assert.deepEqual(brokenFiles(folder), []);
  }));

test("the lading process ends with 4 when the registry lets nobody in", async () => {
  const headers = { "www-authenticate": 'Basic realm="acme"' };
  const faults: readonly FaultRule[] = [
    { path: /closed/, fault: { kind: "status", status: 401, headers } },
    { path: /forbidden/, fault: { kind: "status", status: 403 } },
  ];
  await withBench(async ({ host, folder }) => {
    const to = `oci:${folder}/x`;
    assertFailed(await lading(["pull", `${host}/acme/closed:1`, to]), 4, "401");
    assertFailed(await lading(["tags", `${host}/acme/forbidden`]), 4, "403");
    assertFailed(await lading(["pull", `${host}/acme/forbidden:1`, to]), 4, "403");
  }, { faults });
});

test("the lading process ends with 5 for bytes that are not what they were announced as", async () => {
  const image = await randomImage("flipped", { maxFileBytes: 300_000 });
  const layer = image.layers[0]?.descriptor.digest ?? "";
  const faults: readonly FaultRule[] = [
    { method: "GET", path: new RegExp(layer), fault: { kind: "flip", offset: 1000 } },
  ];
  await withBench(async ({ host, store, folder }) => {
    await image.pushTo(store, "acme/app:1");
    const name = `${host}/acme/app:1`;
    assertFailed(await lading(["pull", name, `oci:${folder}/x`]), 5, "pull");
    assert.deepEqual(brokenFiles(folder), []);
    assertFailed(await lading(["digest", `oci:${folder}/x:1`]), 3, "digest");
    const blob = await lading(["blob", `${name}@${layer}`]);
    assert.equal(blob.code, 5, blob.stderr);
    const report = await lading(["validate", name]);
    assert.equal(report.code, 5, report.stderr);
    assert.match(report.stdout, /^sha256:[0-9a-f]{64}: [^\n]+\n/);
  }, { faults });
});

test("the lading process ends with 6 for archives and layers that are broken or unsafe", () =>
  withBench(async ({ host, store, folder }) => {
    const descriptor = await putImage(store, [await unsafeLayer()]);
    await store.tag(descriptor, "acme/unsafe:1");
    assertFailed(await lading(["ls", `${host}/acme/unsafe:1`]), 6, "ls");
    assertFailed(await lading(["cat", `${host}/acme/unsafe:1`, "/evil"]), 6, "cat");
    const archive = `${folder}/broken.tar`;
    writeFileSync(archive, "this is no archive".repeat(100));
    assertFailed(await lading(["ls", `docker-archive:${archive}`]), 6, "docker-archive");
    assertFailed(await lading(["ls", `oci-archive:${archive}`]), 6, "oci-archive");
    const whole = await tarOf(['oci-layout={"imageLayoutVersion":"1.0.0"}', "index.json={}"]);
    writeFileSync(archive, whole.subarray(0, 1200));
    assertFailed(await lading(["ls", `oci-archive:${archive}`]), 6, "cut");
    writeFileSync(archive, concatBytes([whole.subarray(0, 1024), new Uint8Array(512).fill(65)]));
    assertFailed(await lading(["ls", `oci-archive:${archive}`]), 6, "damaged");
  }));

test("the lading process ends with 1 when a registry cannot be reached or fails", async () => {
  const server = await serve(registryHandler(memoryStore()));
  await server.close();
  const run = await lading(["digest", `127.0.0.1:${server.port}/acme/app:1`]);
  assertFailed(run, 1, "unreachable");
  const faults: readonly FaultRule[] = [{
    fault: { kind: "status", status: 400, body: "a\nb\x1b[2J" },
  }];
  await withBench(async ({ host }) => {
    assertFailed(await lading(["tags", `${host}/acme/app`]), 1, "400");
    assertFailed(await lading(["serve", "--listen", host]), 1, "the port is taken");
  }, { faults });
});

test("lading pull on a full disk ends with 1 and leaves nothing half-written", () =>
  withBench(async ({ host, store }) => {
    const image = await randomImage("full", { layers: 3, files: 8, maxFileBytes: 700_000 });
    await image.pushTo(store, "acme/app:1");
    const script = `
      unshare --mount \${ROOTLESS:+--map-root-user} bash -c '
        mount -t tmpfs -o size=1m tmpfs /mnt && cd /mnt || exit 99
        "$@" pull ${host}/acme/app:1 oci:app
        code=$?
        "$@" digest oci:app:1 2>/dev/null && echo named
        find . -type f ! -name oci-layout ! -name index.json -print0 |
          while IFS= read -r -d "" file; do
            [ "$(sha256sum < "$file" | cut -d" " -f1)" = "\${file##*/}" ] || echo "broken: $file"
          done
        exit $code
      ' bash "$@"`;
    const env = process.getuid?.() === 0 ? {} : { ROOTLESS: "1" };
    const run = await inShell(script, { env });
    assertFailed(run, 1, "full disk");
    assert.match(run.stderr, /there is no space left/);
  }));

test("lading says when stdout takes no more, and ends quietly when nobody reads on", () =>
  withBench(async ({ host, store }) => {
    const names = Array.from({ length: 5000 }, (_, i) => `${i}-${"x".repeat(90)}=`);
    await store.tag(await putImage(store, [await tarOf(names)]), "acme/app:1");
    const image = `${host}/acme/app:1`;
    for (
      const args of [`ls ${image}`, `ls ${image} --long`, `export ${image}`, `ls ${image} --json`]
    ) {
      const head = await inShell(`"$@" ${args} | head -c 1 >/dev/null; echo "\${PIPESTATUS[0]}"`);
      assert.equal(head.stdout, "0\n", args);
      assert.equal(head.stderr, "", args);
      const full = await inShell(`"$@" ${args} > /dev/full`);
      assertFailed(full, 1, args);
      assert.match(full.stderr, /no space left/, args);
    }
    const closed = await inShell(`"$@" ls ${image} >/dev/null 2>&-`);
    assert.equal(closed.code, 0);
  }));

test("lading ls escapes what would break its lines or steer a terminal", () =>
  withBench(async ({ host, store }) => {
    const tar = await tarOf(["a\nb=1", "c\x1b[2Jd=1", "é->\u009b1m"]);
    await store.tag(await putImage(store, [tar]), "acme/app:1");
    const listed = await lading(["ls", `${host}/acme/app:1`, ...AMD64]);
    assert.equal(listed.stdout, "a\\nb\nc\\x1b[2Jd\né\n", listed.stderr);
    const long = await lading(["ls", `${host}/acme/app:1`, "-l"]);
    assert.match(long.stdout, / é -> \\x9b1m\n$/);
    const json = await lading(["ls", `${host}/acme/app:1`, "--json"]);
    assert.deepEqual(
      JSON.parse(json.stdout).map(({ path }: { path: string }) => path),
      ["a\nb", "c\x1b[2Jd", "é"],
    );
  }));

test("lading blob gives the bytes of a registry, a layout and an archive", () =>
  withBench(async ({ host, store, folder }) => {
    const image = await randomImage("blob", { maxFileBytes: 400_000 });
    await image.pushTo(store, "acme/app:1");
    const [layer] = image.layers;
    assert.ok(layer !== undefined);
    const { digest } = layer.descriptor;
    const layout = `oci:${folder}/app`;
    assert.equal((await lading(["copy", `${host}/acme/app:1`, layout])).code, 0);
    assert.equal((await inShell(`tar -C ${folder}/app -cf ${folder}/app.tar .`)).code, 0);
    for (
      const place of [
        `${host}/acme/app`,
        `${host}/acme/app:1`,
        layout,
        `oci-archive:${folder}/app.tar`,
      ]
    ) {
      const { code, bytes, stderr } = await lading(["blob", `${place}@${digest}`]);
      assert.equal(code, 0, `${place}: ${stderr}`);
      assert.ok(bytes.equals(layer.bytes), place);
    }
  }));

test("the warnings of a registry come once each on stderr, and not with --quiet", async () => {
  const warning = '299 - "this tag will go away", 299 - "use another \\"one\\""';
  const faults: readonly FaultRule[] = [{ fault: { kind: "headers", headers: { warning } } }];
  await withBench(async ({ host, store, folder }) => {
    await (await randomImage("warned")).pushTo(store, "acme/app:1");
    const image = `${host}/acme/app:1`;
    const expected = `warning: ${host}: this tag will go away\n` +
      `warning: ${host}: use another "one"\n`;
    const inspected = await lading(["inspect", image, "--json"]);
    assert.equal(inspected.stderr, expected);
    assert.equal(JSON.parse(inspected.stdout).platform, "linux/amd64");
    const copied = await lading(["copy", image, `${host}/acme/app:2`]);
    assert.ok(copied.stderr.startsWith(expected), copied.stderr);
    assert.equal(copied.stderr.split("warning:").length, 3, copied.stderr);
    const quiet = await lading(["pull", image, `oci:${folder}/x`, "--quiet"]);
    assert.equal(quiet.stderr, "");
  }, { faults });
});

test("lading ls --long says of each file what GNU tar says of the export", () =>
  withBench(async ({ host, store }) => {
    const mtime = 1_700_000_000;
    const body = new Uint8Array(12_345);
    const tar = await tarOf([
      { path: "bin/", type: "directory", mode: 0o1755, mtime },
      { path: "bin/su", type: "file", mode: 0o4755, uid: 1000, gid: 50, mtime, body },
      { path: "bin/sh", type: "symlink", linkPath: "su", mtime },
      { path: "dev", type: "directory", mode: 0o755, mtime },
      { path: "dev/sda", type: "block-device", mode: 0o660, deviceMajor: 8, deviceMinor: 1, mtime },
      {
        path: "dev/null",
        type: "character-device",
        mode: 0o666,
        deviceMajor: 1,
        deviceMinor: 3,
        mtime,
      },
      { path: "pipe", type: "fifo", mode: 0o600, mtime },
    ]);
    await store.tag(await putImage(store, [tar]), "acme/app:1");
    const image = `${host}/acme/app:1`;
    const listed = await inShell(`"$@" ls ${image} --long | sort`);
    const judged = await inShell(`"$@" export ${image} | tar -tv --utc | sort`);
    assert.ok(listed.stdout.split("\n").length > 7, listed.stderr);
    assert.equal(listed.stdout, judged.stdout);
  }));
