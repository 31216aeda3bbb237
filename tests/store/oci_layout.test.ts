import { test } from "node:test";
import assert from "node:assert/strict";
import {
  InvalidConfigError,
  InvalidManifestError,
  InvalidReferenceError,
  LimitExceededError,
  NotFoundError,
  UnsafePathError,
} from "../../lib/model/errors.ts";
import { memoryFileSystem, ociLayout } from "../../lib/store/mod.ts";
import {
  describe,
  fetched,
  filesBelow,
  noise,
  OCI_INDEX,
  OCI_MANIFEST,
  pushImage,
  readFile,
  text,
  utf8,
  writeFile,
} from "./content.ts";

const REF = "org.opencontainers.image.ref.name";
const IMAGE = "io.containerd.image.name";

async function indexOf(fs: ReturnType<typeof memoryFileSystem>): Promise<Record<string, unknown>> {
  return JSON.parse(text(await readFile(fs, "x/index.json"))) as Record<string, unknown>;
}

test("ociLayout() writes the files of the image-spec and nothing else", async () => {
  const fs = memoryFileSystem();
  const layout = ociLayout(fs, "x");
  const manifest = await pushImage(layout, 1);
  await layout.tag(manifest, "v1");
  const files = await filesBelow(fs, "x");
  assert.equal(files.length, 5, files.join(" "));
  assert.equal(text(await readFile(fs, "x/oci-layout")), '{"imageLayoutVersion":"1.0.0"}');
  assert.deepEqual(await indexOf(fs), {
    schemaVersion: 2,
    manifests: [{ ...manifest, annotations: { [REF]: "v1" } }],
  });
  assert.equal((await fs.readDirectory("x")).length, 3);
});

test("ociLayout() touches nothing until the first call, and says so when there is nothing", async () => {
  const fs = memoryFileSystem();
  const layout = ociLayout(fs, "a/b");
  await assert.rejects(layout.resolve("v1"), (error: Error) => {
    assert.ok(error instanceof NotFoundError);
    assert.equal(error.message, 'Cannot open OCI layout "a/b": there is no such directory');
    return true;
  });
  await assert.rejects(layout.fetch(describe(utf8("x"))), NotFoundError);
  assert.equal(await layout.exists(describe(utf8("x"))), false);
  await layout.delete(describe(utf8("x")));
  assert.deepEqual(await fs.readDirectory(""), []);
  await writeFile(fs, "c/readme", utf8("x"));
  await assert.rejects(ociLayout(fs, "c").resolve("v1"), /it has no index.json, it is no layout/);
  await assert.rejects(ociLayout(fs, "c/readme").resolve("v1"), /it is no directory/);
});

test("ociLayout() leaves a valid layout without images when the first push fails", async () => {
  const fs = memoryFileSystem();
  const layout = ociLayout(fs, "x");
  await assert.rejects(layout.push(describe(utf8("a")), utf8("b")));
  assert.deepEqual(await indexOf(fs), { schemaVersion: 2, manifests: [] });
  assert.deepEqual(await filesBelow(fs, "x"), ["x/index.json", "x/oci-layout"]);
  await assert.rejects(layout.resolve(""), /it holds no image/);
});

test("ociLayout() keeps entries and fields that it does not know", async () => {
  const fs = memoryFileSystem();
  const layout = ociLayout(fs, "x");
  const image = await pushImage(layout, 1);
  const strange = {
    mediaType: "application/x.strange",
    digest: "blake3:abc",
    size: 5,
    annotations: { [REF]: "strange", "constructor": "c" },
    future: { deep: [1, null] },
  };
  await fs.remove("x/index.json");
  await writeFile(
    fs,
    "x/index.json",
    utf8(
      JSON.stringify({
        schemaVersion: 2,
        future: true,
        manifests: [strange],
        annotations: { "__proto__": "p", "kept": "yes" },
      }).replace('"kept"', '"__proto__":"p","kept"'),
    ),
  );
  await layout.tag(image, "v1");
  const index = await indexOf(fs);
  assert.equal(index["future"], true);
  assert.equal(JSON.stringify(index["annotations"]), '{"__proto__":"p","kept":"yes"}');
  assert.deepEqual((index["manifests"] as unknown[])[0], strange);
  assert.equal((await layout.resolve("strange")).digest, "blake3:abc");
});

test("ociLayout() replaces a name, and keeps other names of the same manifest", async () => {
  const fs = memoryFileSystem();
  const layout = ociLayout(fs, "x");
  const [first, second] = [await pushImage(layout, 1), await pushImage(layout, 2)];
  await layout.tag(first, "a");
  await layout.tag(first, "b");
  // What a descriptor was called elsewhere does not follow it.
  await layout.tag({ ...second, annotations: { [REF]: "z", [IMAGE]: "z", kept: "k" } }, "a");
  const { manifests } = await indexOf(fs);
  assert.deepEqual(manifests, [
    { ...first, annotations: { [REF]: "b" } },
    { ...second, annotations: { kept: "k", [REF]: "a" } },
  ]);
});

test("ociLayout() finds an entry by its place in index.json, as skopeo does", async () => {
  const fs = memoryFileSystem();
  const layout = ociLayout(fs, "x");
  const [first, second] = [await pushImage(layout, 1), await pushImage(layout, 2)];
  await layout.tag(first, first.digest);
  await layout.tag(second, "b");
  assert.equal((await layout.resolve("@0")).digest, first.digest);
  assert.equal((await layout.resolve("@1")).digest, second.digest);
  for (const reference of ["@2", "@-1", "@", "@1x"]) {
    await assert.rejects(layout.resolve(reference), NotFoundError);
  }
});

test("ociLayout() reads the names of containerd before the tags beside them", async () => {
  const fs = memoryFileSystem();
  const layout = ociLayout(fs, "x");
  const [first, second] = [await pushImage(layout, 1), await pushImage(layout, 2)];
  await fs.remove("x/index.json");
  const manifests = [
    { ...first, annotations: { [REF]: "latest", [IMAGE]: "docker.io/library/a:latest" } },
    { ...second, annotations: { [REF]: "latest", [IMAGE]: "docker.io/library/b:latest" } },
    { ...second, annotations: { [REF]: "one", [IMAGE]: "quay.io/b:one" } },
  ];
  await writeFile(fs, "x/index.json", utf8(JSON.stringify({ schemaVersion: 2, manifests })));
  assert.equal((await layout.resolve("a")).digest, first.digest);
  assert.equal((await layout.resolve("docker.io/library/b:latest")).digest, second.digest);
  assert.equal((await layout.resolve("one")).digest, second.digest);
  await assert.rejects(layout.resolve("latest"), (error: Error) => {
    assert.ok(error instanceof InvalidReferenceError);
    assert.match(error.message, /ambiguous/);
    assert.match(error.message, new RegExp(`${first.digest} and ${second.digest}`));
    return true;
  });
  await layout.tag(first, "latest");
  assert.equal((await layout.resolve("latest")).digest, first.digest);
  assert.equal((await layout.resolve("b")).digest, second.digest);
});

test("ociLayout() finds by its digest what only a nested index names", async () => {
  const fs = memoryFileSystem();
  const layout = ociLayout(fs, "x");
  const image = await pushImage(layout, 1);
  const inner = utf8(
    JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [image] }),
  );
  const outer = utf8(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: OCI_INDEX,
      manifests: [describe(inner, OCI_INDEX)],
    }),
  );
  await layout.push(describe(inner, OCI_INDEX), inner);
  await layout.push(describe(outer, OCI_INDEX), outer);
  await layout.tag(describe(outer, OCI_INDEX), "all");
  assert.deepEqual(await layout.resolve(image.digest), image);
  assert.deepEqual(await layout.resolve(describe(inner).digest), describe(inner, OCI_INDEX));
});

test("ociLayout() loses none of a hundred tags at the same time, through two objects", async () => {
  const fs = memoryFileSystem();
  const layouts = [ociLayout(fs, "x"), ociLayout(fs, "x")] as const;
  const tags = Array.from({ length: 100 }, (_, i) => `tag${i}`);
  await Promise.all(tags.map(async (tag, i) => {
    const layout = layouts[i % 2 === 0 ? 0 : 1];
    await layout.tag(await pushImage(layout, i % 10), tag);
  }));
  const found: string[] = [];
  for await (const { reference = "", descriptor } of layouts[0].roots()) {
    found.push(reference);
    await fetched(layouts[1], descriptor);
  }
  assert.deepEqual(found.sort(), tags.sort());
  const extra = (await filesBelow(fs, "x")).filter((path) => /tmp|lock|\.index/.test(path));
  assert.deepEqual(extra, []);
});

test("ociLayout() applies the other changes when one of them fails", async () => {
  const layout = ociLayout(memoryFileSystem(), "x");
  const image = await pushImage(layout, 1);
  const results = await Promise.allSettled([
    layout.tag(image, "a"),
    layout.untag("absent"),
    layout.tag(image, "b"),
  ]);
  assert.deepEqual(results.map(({ status }) => status), ["fulfilled", "rejected", "fulfilled"]);
  await layout.resolve("a");
  await layout.resolve("b");
});

test("ociLayout() takes the lock from a holder that shows no sign of life", async () => {
  const fs = memoryFileSystem();
  const layout = ociLayout(fs, "x", { lockStaleAfterMs: 100 });
  const image = await pushImage(layout, 1);
  await writeFile(fs, "x/index.json.lock/dead-1", utf8("{"));
  const start = performance.now();
  await layout.tag(image, "a");
  assert.ok(performance.now() - start > 90, "it waited");
  await layout.resolve("a");
  assert.equal((await fs.readDirectory("x")).length, 3);
});

test("ociLayout() waits for a holder that shows signs of life, until the signal", async () => {
  const fs = memoryFileSystem();
  const watched = { ...bound(fs) };
  const layout = ociLayout(watched, "x", { lockStaleAfterMs: 120 });
  const image = await pushImage(layout, 1);
  await writeFile(fs, "x/index.json.lock/alive-1", utf8(""));
  let beats = 0;
  // Whoever looks finds that the holder has moved since, however late the look comes.
  watched.readDirectory = async (path) => {
    if (path === "x/index.json.lock") {
      await fs.setAttributes(`${path}/alive-1`, { mtimeMs: ++beats });
    }
    return await fs.readDirectory(path);
  };
  const signal = AbortSignal.timeout(500);
  await assert.rejects(layout.tag(image, "a", { signal }), (error) => error === signal.reason);
  assert.ok(beats > 1, "it looked");
  const names = (await fs.readDirectory("x/index.json.lock")).map(({ name }) => name);
  assert.deepEqual(names, ["alive-1"]);
  await assert.rejects(layout.resolve("a"), NotFoundError);
});

test("ociLayout() begins again when its lock was taken away while it was alive", async () => {
  const fs = memoryFileSystem();
  const slow = { ...bound(fs) };
  const fast = ociLayout(fs, "x", { lockStaleAfterMs: 50 });
  const image = await pushImage(fast, 1);
  let stalls = 0;
  // The first writer stops just before it publishes, longer than the others are ready to wait.
  slow.setAttributes = async () => {};
  slow.rename = async (from, to) => {
    if (to === "x/index.json" && stalls++ === 0) {
      await fast.tag(image, "fast");
    }
    await fs.rename(from, to);
  };
  await ociLayout(slow, "x", { lockStaleAfterMs: 10_000 }).tag(image, "slow");
  assert.equal(stalls, 2, "published at the second try");
  await fast.resolve("fast");
  await fast.resolve("slow");
  assert.equal((await fs.readDirectory("x")).length, 3);
});

/** A copy of a file system whose methods can be replaced one by one. */
function bound(fs: ReturnType<typeof memoryFileSystem>) {
  return {
    open: fs.open.bind(fs),
    create: fs.create.bind(fs),
    rename: fs.rename.bind(fs),
    remove: fs.remove.bind(fs),
    stat: fs.stat.bind(fs),
    makeDirectory: fs.makeDirectory.bind(fs),
    readDirectory: fs.readDirectory.bind(fs),
    syncDirectory: fs.syncDirectory.bind(fs),
    readLink: fs.readLink.bind(fs),
    symlink: fs.symlink.bind(fs),
    link: fs.link.bind(fs),
    setAttributes: fs.setAttributes.bind(fs),
  };
}

test("ociLayout() sweeps what killed processes left, once it is a day old", async () => {
  const fs = memoryFileSystem();
  await pushImage(ociLayout(fs, "x"), 1);
  const hour = 60 * 60 * 1000;
  const [old, young] = [Date.now() - 25 * hour, Date.now() - 23 * hour];
  for (const path of ["x/blobs/sha256/.tmp-1-a", "x/.index.json.1-a", "x/.tmp-1-a"]) {
    await writeFile(fs, path, noise(10, 1));
    await writeFile(fs, `${path}b`, noise(10, 1));
    await fs.setAttributes(path, { mtimeMs: old });
    await fs.setAttributes(`${path}b`, { mtimeMs: young });
  }
  await pushImage(ociLayout(fs, "x"), 2);
  const left = (await filesBelow(fs, "x")).filter((path) => path.includes("1-a"));
  assert.deepEqual(left, ["x/.index.json.1-ab", "x/.tmp-1-ab", "x/blobs/sha256/.tmp-1-ab"]);
});

test("ociLayout() refuses files of the layout that are symbolic links, unless allowed", async () => {
  const fs = memoryFileSystem();
  const layout = ociLayout(fs, "x");
  const blob = noise(100, 1);
  const manifest = await pushImage(layout, 1);
  await layout.tag(manifest, "a");
  await writeFile(fs, "elsewhere", blob);
  const path = `x/blobs/sha256/${describe(blob).digest.slice(7)}`;
  await fs.symlink("../../../elsewhere", path);
  await assert.rejects(layout.fetch(describe(blob)), UnsafePathError);
  assert.equal(await layout.exists(describe(blob)), false);
  const trusting = ociLayout(fs, "x", { followLinks: true });
  assert.deepEqual(await fetched(trusting, describe(blob)), blob);
  await layout.push(describe(blob), blob);
  assert.equal((await fs.stat(path, { followLinks: false }))?.type, "file");
  assert.deepEqual(await readFile(fs, "elsewhere"), blob);
  for (const name of ["index.json", "oci-layout"]) {
    await fs.rename(`x/${name}`, `moved-${name}`);
    await fs.symlink(`../moved-${name}`, `x/${name}`);
    await assert.rejects(layout.resolve("a"), UnsafePathError, name);
    assert.equal((await trusting.resolve("a")).digest, manifest.digest);
    await fs.remove(`x/${name}`);
    await fs.rename(`moved-${name}`, `x/${name}`);
  }
});

test("ociLayout() refuses an index.json that is too large, no index, or readable in two ways", async () => {
  const fs = memoryFileSystem();
  const layout = ociLayout(fs, "x");
  const image = await pushImage(layout, 1);
  const put = async (content: string) => {
    await fs.remove("x/index.json");
    await writeFile(fs, "x/index.json", utf8(content));
  };
  const config = `"config":{"mediaType":"${OCI_MANIFEST}","digest":"${image.digest}","size":1}`;
  const wrong = [
    "",
    "{",
    "[]",
    '{"schemaVersion":1,"manifests":[]}',
    '{"schemaVersion":2,"manifests":{}}',
    '{"schemaVersion":2,"manifests":[{"digest":"sha256:1","size":1,"mediaType":"a/b"}]}',
    '{"schemaVersion":2,"manifests":[],"manifests":[]}',
    `{"schemaVersion":2,"manifests":[],${config}}`,
  ];
  for (const content of wrong) {
    await put(content);
    await assert.rejects(layout.resolve("a"), InvalidManifestError, content);
    await assert.rejects(layout.tag(image, "a"), InvalidManifestError, content);
    assert.equal(text(await readFile(fs, "x/index.json")), content, "nothing is overwritten");
  }
  const four = 4 * 1024 * 1024;
  const empty = '{"schemaVersion":2,"manifests":[]}';
  await put(empty.padEnd(four));
  await assert.rejects(layout.resolve("a"), NotFoundError);
  await put(empty.padEnd(four + 1));
  await assert.rejects(layout.resolve("a"), LimitExceededError);
});

test("ociLayout() refuses a version to come, and reads a layout without the file", async () => {
  const fs = memoryFileSystem();
  const layout = ociLayout(fs, "x");
  const image = await pushImage(layout, 1);
  await layout.tag(image, "a");
  for (const content of ['{"imageLayoutVersion":"2.0.0"}', "{}", "", '"1.0.0"']) {
    await fs.remove("x/oci-layout");
    await writeFile(fs, "x/oci-layout", utf8(content));
    await assert.rejects(layout.resolve("a"), InvalidConfigError, content);
  }
  await fs.remove("x/oci-layout");
  assert.equal((await layout.resolve("a")).digest, image.digest);
});

test("ociLayout() heals a blob that was cut short by somebody else", async () => {
  const fs = memoryFileSystem();
  const layout = ociLayout(fs, "x");
  const blob = noise(100, 1);
  await writeFile(fs, `x/blobs/sha256/${describe(blob).digest.slice(7)}`, blob.slice(0, 50));
  assert.equal(await layout.exists(describe(blob)), false);
  await layout.push(describe(blob), blob);
  assert.deepEqual(await fetched(layout, describe(blob)), blob);
});

test("ociLayout() detects a blob that was changed on the disk", async () => {
  const fs = memoryFileSystem();
  const layout = ociLayout(fs, "x");
  const blob = noise(300_000, 1);
  const path = `x/blobs/sha256/${describe(blob).digest.slice(7)}`;
  for (const offset of [0, 1, 131_071, 131_072, 299_999]) {
    const changed = blob.slice();
    changed[offset] = (changed[offset] ?? 0) ^ 0x80;
    await writeFile(fs, path, changed);
    await assert.rejects(fetched(layout, describe(blob)), { code: "DIGEST_MISMATCH" }, `${offset}`);
    await fs.remove(path);
  }
});
