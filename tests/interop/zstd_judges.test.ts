// What lading compresses with zstd, in the hands of libzstd: in Node, as a program, and in skopeo.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import assert from "node:assert/strict";
import zlib, { zstdDecompressSync } from "node:zlib";
import { readAll, streamOf } from "../../lib/bytes/mod.ts";
import { zstd, type ZstdLevel } from "../../lib/compress/mod.ts";
import {
  append,
  emptyImage,
  exportRootfs,
  type Image,
  layerFrom,
  loadImage,
  rewriteLayers,
} from "../../lib/image/mod.ts";
import type { Bytes } from "../../lib/model/bytes.ts";
import { push, validate } from "../../lib/ops/mod.ts";
import { Registry } from "../../lib/registry/mod.ts";
import { hostTransport } from "../../lib/runtime/host_transport.ts";
import { nodeFileSystem } from "../../lib/runtime/node_file_system.ts";
import { ociLayout } from "../../lib/store/mod.ts";
import { mutated, noise, pieces, seeded, skewed, words } from "../compress/_zstd_contents.ts";
import { corpusBytes } from "../support/corpus.ts";
import { withDockerRegistry } from "../support/docker_registry.ts";
import { inScratch, missing, mustRun } from "../support/program.ts";

const LEVELS: readonly ZstdLevel[] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
const MUTANTS = 1_000;
/** The windows of the levels are no larger. */
const WINDOW_LOG_MAX = { params: { [zlib.constants.ZSTD_d_windowLogMax]: 22 } };

async function compress(content: Bytes, level?: ZstdLevel): Promise<Bytes> {
  return await readAll(zstd(streamOf(content), { level }), { maxBytes: 1e8 });
}

async function contents(): Promise<Readonly<Record<string, Bytes>>> {
  return {
    empty: new Uint8Array(0),
    one: Uint8Array.of(7),
    zeros: new Uint8Array(1_000_000),
    words: words(1_000_000, 1),
    pieces: pieces(3_000_000, 2),
    skewed: skewed(300_000, 3),
    noise: noise(300_000, 4),
    // A zero before what is at the very start: a match must not begin before the content.
    start: Uint8Array.from([...noise(100, 13), 1, 2, 3, 0, ...noise(100, 13)]),
    tar: (await corpusBytes("cpython/testtar.tar")).slice(),
  };
}

test("libzstd decompresses what every level compresses", async () => {
  for (const [name, content] of Object.entries(await contents())) {
    for (const level of LEVELS) {
      const back = zstdDecompressSync(await compress(content, level), WINDOW_LOG_MAX);
      assert.ok(back.equals(content), `${name} at level ${level}`);
    }
  }
});

test(`libzstd decompresses ${MUTANTS} mutants`, async () => {
  const next = seeded(303);
  const seeds = [words(20_000, 5), pieces(200_000, 6), skewed(9000, 7), noise(3000, 8)];
  for (let mutant = 0; mutant < MUTANTS; mutant++) {
    const content = mutated(seeds[next() % seeds.length] as Bytes, next);
    const level = 1 + next() % 9 as ZstdLevel;
    const back = zstdDecompressSync(await compress(content, level), WINDOW_LOG_MAX);
    assert.ok(back.equals(content), `mutant ${mutant} at level ${level}`);
  }
});

test("the default level is about as small as libzstd's", async () => {
  for (const [name, content] of Object.entries(await contents())) {
    const limit = zlib.zstdCompressSync(content).length * 1.1 + 32;
    const { length } = await compress(content);
    assert.ok(length <= limit, `${name}: ${length} bytes of ${limit}`);
  }
});

test("the zstd program tests what every level compresses", { skip: missing("zstd") }, async () => {
  const content = pieces(1_500_000, 9);
  await inScratch(async (folder) => {
    for (const level of LEVELS) {
      const path = join(folder, `level-${level}.zst`);
      writeFileSync(path, await compress(content, level));
      await mustRun("zstd", ["--test", "--quiet", path]);
    }
  });
});

async function treeOf(image: Image): Promise<Bytes> {
  return await readAll(exportRootfs(image), { maxBytes: 1e8 });
}

const skip = missing("docker-registry", "skopeo", "umoci");

test("skopeo copies an image with zstd layers, and it is the same", { skip }, async () => {
  const body = words(400_000, 10);
  const base = append(
    emptyImage({ os: "linux", architecture: "amd64" }),
    await layerFrom([{ path: "etc/words", body }, { path: "etc/noise", body: noise(5000, 11) }]),
  );
  const layer = await layerFrom([{ path: "app/main.js", body: pieces(300_000, 12) }], {
    compression: "zstd",
  });
  const image = append(rewriteLayers(base, { compression: "zstd" }), layer);
  await inScratch((folder) =>
    withDockerRegistry(folder, async (host) => {
      const registry = new Registry(host, { transport: hostTransport() });
      const { descriptor } = await push(image, registry.repository("acme/app"), "zstd");
      assert.deepEqual((await validate(registry.repository("acme/app"), "zstd")).problems, []);
      const place = `docker://${host}/acme/app:zstd`;
      const copy = ["copy", "--quiet", "--src-tls-verify=false", "--preserve-digests"];
      await mustRun("skopeo", [...copy, place, `oci:${join(folder, "same")}:1`]);
      // skopeo inflates it itself, and proves the diffIDs.
      const plain = ["copy", "--quiet", "--src-tls-verify=false", "--dest-decompress"];
      await mustRun("skopeo", [...plain, place, `dir:${join(folder, "dir")}`]);
      await mustRun("skopeo", [
        ...["copy", "--quiet", "--dest-compress", "--dest-compress-format=gzip"],
        `dir:${join(folder, "dir")}`,
        `oci:${join(folder, "gzip")}:1`,
      ]);
      const bundle = join(folder, "bundle");
      await mustRun("umoci", [
        ...["unpack", "--rootless", "--image"],
        `${join(folder, "gzip")}:1`,
        bundle,
      ]);
      const fileSystem = nodeFileSystem();
      const layouts = { same: descriptor.digest, gzip: undefined };
      for (const [name, digest] of Object.entries(layouts)) {
        const layout = ociLayout(fileSystem, join(folder, name));
        const copied = await layout.resolve("1");
        if (digest !== undefined) assert.equal(copied.digest, digest, name);
        assert.deepEqual(await treeOf(await loadImage(layout, copied)), await treeOf(image), name);
      }
    })
  );
});
