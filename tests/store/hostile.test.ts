import { test } from "node:test";
import assert from "node:assert/strict";
import {
  DigestMismatchError,
  InvalidConfigError,
  InvalidManifestError,
  LimitExceededError,
  NotFoundError,
  UnsafePathError,
  UnsupportedMediaTypeError,
} from "../../lib/model/errors.ts";
import type { Bytes } from "../../lib/model/bytes.ts";
import type { Descriptor } from "../../lib/model/descriptor.ts";
import { type DockerArchive, dockerArchive } from "../../lib/store/docker_archive.ts";
import { checkMemberCount } from "../../lib/store/_tar_members.ts";
import { describe, fetched, noise, pieces, text, utf8 } from "./content.ts";
import { tarOf, type TarOfEntry } from "./tar_of.ts";

const LAYER = noise(2000, 1);

function configFor(...layers: readonly Bytes[]): string {
  return JSON.stringify({
    architecture: "amd64",
    os: "linux",
    rootfs: { type: "layers", diff_ids: layers.map((layer) => describe(layer).digest) },
  });
}

function manifest(...images: readonly object[]): TarOfEntry {
  return { path: "manifest.json", content: JSON.stringify(images) };
}

const CONFIG: TarOfEntry = { path: "config.json", content: configFor(LAYER) };
const IMAGE = { Config: "config.json", RepoTags: ["a:1"], Layers: ["1/layer.tar"] };

/** Reads the layers of an image, from a stream too: both see the same, or refuse it alike. */
async function layersOf(entries: readonly TarOfEntry[], reference = ""): Promise<Bytes[]> {
  const bytes = tarOf(entries);
  const [whole, streamed] = await Promise.allSettled([
    layersIn(dockerArchive(bytes), reference),
    layersIn(dockerArchive(pieces(bytes, 1000).stream), reference),
  ]);
  if (whole.status === "rejected") {
    assert.ok(streamed.status === "rejected", `a stream was taken, not so: ${whole.reason}`);
    assert.equal(streamed.reason.constructor, whole.reason.constructor, `${streamed.reason}`);
    throw whole.reason;
  }
  assert.deepEqual(streamed, whole);
  return whole.value;
}

async function layersIn(archive: DockerArchive, reference: string): Promise<Bytes[]> {
  const raw = await fetched(archive, await archive.resolve(reference));
  const { layers } = JSON.parse(text(raw)) as { layers: readonly Descriptor[] };
  return await Promise.all(layers.map((layer) => fetched(archive, layer)));
}

test("dockerArchive() follows links between layers, in any number of hops up to 40", async () => {
  const entries: TarOfEntry[] = [CONFIG, manifest(IMAGE)];
  for (let i = 1; i < 40; i++) {
    entries.push({ path: `${i}/layer.tar`, link: `../${i + 1}/layer.tar` });
  }
  const last = { path: "40/layer.tar", content: LAYER };
  assert.deepEqual(await layersOf([...entries, last]), [LAYER]);
  const further = [
    { path: "40/layer.tar", link: "../41/layer.tar" },
    { path: "41/layer.tar", link: "./../x/../42/layer.tar" },
    { path: "42/layer.tar", content: LAYER },
  ];
  await assert.rejects(layersOf([...entries, ...further]), UnsafePathError);
  for (const link of ["./..//x/./../2/layer.tar", ".././2//layer.tar"]) {
    const odd = [{ path: "1/layer.tar", link }, { path: "2/layer.tar", content: LAYER }];
    assert.deepEqual(await layersOf([CONFIG, manifest(IMAGE), ...odd]), [LAYER], link);
  }
  const hard = { path: "1/layer.tar", link: "./2/layer.tar", flag: "1" };
  const target = { path: "2/layer.tar", content: LAYER };
  assert.deepEqual(await layersOf([CONFIG, manifest(IMAGE), target, hard]), [LAYER]);
});

test("dockerArchive() refuses links that lead in a circle or out of the archive", async () => {
  for (const link of ["../1/layer.tar", "layer.tar", "../../etc/passwd", "/etc/passwd", "../.."]) {
    const entries = [CONFIG, manifest(IMAGE), { path: "1/layer.tar", link }];
    await assert.rejects(layersOf(entries), UnsafePathError, link);
  }
  const dangling = { path: "1/layer.tar", link: "../2/layer.tar" };
  await assert.rejects(layersOf([CONFIG, manifest(IMAGE), dangling]), NotFoundError);
  const hard = { path: "1/layer.tar", link: "../../etc/passwd", flag: "1" };
  await assert.rejects(layersOf([CONFIG, manifest(IMAGE), hard]), UnsafePathError);
});

test("an archive has a million files at most", () => {
  checkMemberCount(1_000_000, "images.tar");
  const limit = { code: "LIMIT_EXCEEDED", limit: 1_000_000, unit: "entries" };
  assert.throws(() => checkMemberCount(1_000_001, "images.tar"), limit);
});

test("dockerArchive() minds no link that no image needs", async () => {
  const entries = [
    CONFIG,
    { path: "other", link: "/etc/passwd" },
    { path: "1/layer.tar", content: LAYER },
    manifest(IMAGE),
  ];
  assert.deepEqual(await layersOf(entries), [LAYER]);
});

/** A symbolic link whose target fits no header. */
function longLink(path: string, target: string): TarOfEntry[] {
  return [{ path: "././@LongLink", flag: "K", content: `${target}\0` }, { path, link: "" }];
}

test("dockerArchive() keeps no target of a link that is longer than any path", async () => {
  const long = `${"./".repeat(3000)}2/layer.tar`;
  const layer: TarOfEntry = { path: "2/layer.tar", content: LAYER };
  for (const link of [`../${long}`, "x".repeat(100_000)]) {
    const entries = [CONFIG, manifest(IMAGE), layer, ...longLink("1/layer.tar", link)];
    await assert.rejects(layersOf(entries), UnsafePathError, link.slice(0, 10));
  }
  const unused = longLink("9/layer.tar", long);
  const image = { ...IMAGE, Layers: ["2/layer.tar"] };
  assert.deepEqual(await layersOf([CONFIG, manifest(image), layer, ...unused]), [LAYER]);
});

test("dockerArchive() refuses paths that lead out of the archive", async () => {
  const layer = { path: "1/layer.tar", content: LAYER };
  for (const path of ["../config.json", "/../x", "a/../../config.json"]) {
    const image = { ...IMAGE, Config: path };
    await assert.rejects(layersOf([CONFIG, layer, manifest(image)]), UnsafePathError, path);
    const named = { ...IMAGE, Layers: [path] };
    await assert.rejects(layersOf([CONFIG, layer, manifest(named)]), UnsafePathError, path);
  }
});

test("dockerArchive() refuses a manifest.json that it cannot act upon", async () => {
  const contents = [
    "",
    "{",
    "null",
    "{}",
    '"x"',
    "[null]",
    "[[]]",
    "[{}]",
    '[{"Config":1}]',
    '[{"Config":""}]',
    '[{"Config":"config.json","Layers":"x"}]',
    '[{"Config":"config.json","Layers":[1]}]',
    '[{"Config":"config.json","RepoTags":{}}]',
    '[{"Config":"config.json","Layers":[]}]',
    '[{"Config":"config.json","Layers":["a","b"]}]',
  ];
  for (const content of contents) {
    const entries = [CONFIG, { path: "manifest.json", content }];
    await assert.rejects(layersOf(entries), InvalidManifestError, content);
  }
  await assert.rejects(layersOf([CONFIG, manifest()]), NotFoundError);
  const long = JSON.stringify([IMAGE]).padEnd(1024 * 1024);
  const files = [CONFIG, { path: "1/layer.tar", content: LAYER }];
  await layersOf([...files, { path: "manifest.json", content: long }]);
  const longer = { path: "manifest.json", content: `${long} ` };
  await assert.rejects(layersOf([...files, longer]), LimitExceededError);
});

test("dockerArchive() refuses files that are missing, or not what they are said to be", async () => {
  const layer = { path: "1/layer.tar", content: LAYER };
  await assert.rejects(layersOf([layer, manifest(IMAGE)]), NotFoundError);
  await assert.rejects(layersOf([CONFIG, manifest(IMAGE)]), NotFoundError);
  const other = { path: "1/layer.tar", content: noise(2000, 2) };
  await assert.rejects(layersOf([CONFIG, other, manifest(IMAGE)]), DigestMismatchError);
  const broken = { path: "config.json", content: "{" };
  await assert.rejects(layersOf([broken, layer, manifest(IMAGE)]), InvalidConfigError);
  const huge = { path: "config.json", content: configFor(LAYER).padEnd(8 * 1024 * 1024 + 1) };
  await assert.rejects(layersOf([huge, layer, manifest(IMAGE)]), LimitExceededError);
  const bzip2 = { path: "1/layer.tar", content: utf8("BZh91AY&SY and so on") };
  await assert.rejects(layersOf([CONFIG, bzip2, manifest(IMAGE)]), UnsupportedMediaTypeError);
  const path = `blobs/sha256/${"0".repeat(64)}`;
  const named = { ...IMAGE, Config: path };
  const config = { path, content: configFor(LAYER) };
  await assert.rejects(layersOf([config, layer, manifest(named)]), DigestMismatchError);
});

test("dockerArchive() reads good images beside damaged ones", async () => {
  const entries = [
    CONFIG,
    { path: "1/layer.tar", content: LAYER },
    manifest(IMAGE, { ...IMAGE, RepoTags: ["b:1"], Layers: ["absent"] }),
  ];
  assert.deepEqual(await layersOf(entries, "a:1"), [LAYER]);
  await assert.rejects(layersOf(entries, "b:1"), NotFoundError);
});

test("dockerArchive() reads a config once, however often manifest.json names it", async () => {
  for (const content of [configFor(LAYER), `{"rootfs":${" ".repeat(500)}}`]) {
    const images = Array.from({ length: 20 }, (_, i) => ({ ...IMAGE, RepoTags: [`a:${i}`] }));
    const config = { path: "config.json", content: content.padEnd(50_000) };
    const layer = { path: "1/layer.tar", content: LAYER };
    const bytes = tarOf([config, layer, manifest(...images)]);
    let count = 0;
    const archive = dockerArchive(() =>
      Promise.resolve({
        size: bytes.length,
        read: (position: number, length: number) => {
          const read = bytes.slice(position, position + length);
          count += read.length;
          return Promise.resolve(read);
        },
        close: () => Promise.resolve(),
      })
    );
    const absent = { ...describe(noise(1, 1)), mediaType: "text/plain" };
    for (let round = 0; round < 3; round++) assert.equal(await archive.exists(absent), false);
    assert.ok(count < 4 * bytes.length, `${count} bytes were read of ${bytes.length}`);
  }
});

test("dockerArchive() refuses a name that two images claim", async () => {
  const second = { path: "second.json", content: configFor() };
  const entries = [
    CONFIG,
    second,
    { path: "1/layer.tar", content: LAYER },
    manifest(IMAGE, { Config: "second.json", RepoTags: ["docker.io/library/a:1"], Layers: [] }),
  ];
  assert.deepEqual(await layersOf(entries, "a:1"), [LAYER]);
  await assert.rejects(layersOf(entries, "library/a:1"), /ambiguous/);
});

test("dockerArchive() takes the last of two files of one name, as extracting it would", async () => {
  const first = { path: "1/layer.tar", content: noise(2000, 2) };
  const last = { path: "./1/layer.tar", content: LAYER };
  assert.deepEqual(await layersOf([CONFIG, manifest(IMAGE), first, last]), [LAYER]);
});
