// Archives: what we write, Docker, containerd, podman and skopeo load; what they write, we read.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Readable, Writable } from "node:stream";
import process from "node:process";
import { test } from "node:test";
import assert from "node:assert/strict";
import { digestBytes } from "../../lib/hash/digest_bytes.ts";
import type { ByteStream } from "../../lib/model/bytes.ts";
import type { Descriptor } from "../../lib/model/descriptor.ts";
import { copy } from "../../lib/ops/copy.ts";
import { nodeFileSystem } from "../../lib/runtime/node_file_system.ts";
import {
  type DockerArchive,
  dockerArchive,
  dockerArchiveTarget,
  type MemoryStore,
  memoryStore,
  ociArchive,
  ociArchiveTarget,
  writeDockerArchive,
} from "../../lib/store/mod.ts";
import { randomImage, randomIndex } from "../../lib/testing/mod.ts";
import { type DockerEngine, noDockerEngine, withDockerEngine } from "../support/docker_engine.ts";
import { inScratch, missing, mustRun, run } from "../support/program.ts";

const AMD64 = { os: "linux", architecture: "amd64" };
const TARGETS = [["oci", ociArchiveTarget], ["docker", dockerArchiveTarget]] as const;

/** An image of a store, and what engines call it by. */
interface Stored {
  readonly name: string;
  readonly digest: string;
  /** The digest of the config of its image for amd64. */
  readonly id: string;
  readonly diffIDs: readonly string[];
}

/** The images that are written: of both formats, compressed and not, an index, a layer twice. */
async function storedImages(store: MemoryStore): Promise<Stored[]> {
  const stored: Stored[] = [];
  for (
    const [name, options] of [
      ["oci", {}],
      ["plain", { compression: "none" }],
      ["docker", { format: "docker" }],
    ] as const
  ) {
    const image = await randomImage(name, options);
    await image.pushTo(store, `example.com/acme/${name}:1`);
    stored.push({
      name: `example.com/acme/${name}:1`,
      digest: image.descriptor.digest,
      id: image.manifest.config.digest,
      diffIDs: image.config.rootfs.diff_ids,
    });
  }
  const index = await randomIndex("multi");
  await index.pushTo(store, "example.com/acme/multi:1");
  const image = index.images.find(({ config }) => config.architecture === "amd64");
  assert.ok(image !== undefined);
  stored.push({
    name: "example.com/acme/multi:1",
    digest: index.descriptor.digest,
    id: image.manifest.config.digest,
    diffIDs: image.config.rootfs.diff_ids,
  });
  stored.push(await layerTwice(store));
  return stored;
}

/** An image that has a layer twice; `docker save` writes the second one as a link. */
async function layerTwice(store: MemoryStore): Promise<Stored> {
  const { layers: [base, top], config } = await randomImage("twice", { compression: "none" });
  assert.ok(base !== undefined && top !== undefined);
  const layers = [base, top, base];
  for (const { descriptor, bytes } of layers) await store.push(descriptor, bytes);
  const diffIDs = layers.map(({ diffID }) => diffID);
  const { history: _history, ...rest } = config;
  const put = async (value: object, mediaType: string): Promise<Descriptor> => {
    const bytes = new TextEncoder().encode(JSON.stringify(value));
    const descriptor = { mediaType, digest: digestBytes("sha256", bytes), size: bytes.byteLength };
    await store.push(descriptor, bytes);
    return descriptor;
  };
  const described = await put(
    { ...rest, rootfs: { type: "layers", diff_ids: diffIDs } },
    "application/vnd.oci.image.config.v1+json",
  );
  const mediaType = "application/vnd.oci.image.manifest.v1+json";
  const manifest = await put({
    schemaVersion: 2,
    mediaType,
    config: described,
    layers: layers.map(({ descriptor }) => descriptor),
  }, mediaType);
  const name = "example.com/acme/twice:1";
  await store.tag(manifest, name);
  return { name, digest: manifest.digest, id: described.digest, diffIDs };
}

/** Writes each image into an archive of its own, and all of them into one more. */
async function writeArchives(folder: string): Promise<{
  readonly images: readonly Stored[];
  readonly single: (format: string, image: Stored) => string;
  readonly all: (format: string) => string;
}> {
  const store = memoryStore();
  const images = await storedImages(store);
  const fs = nodeFileSystem();
  const pathOf = (format: string, name: string) =>
    join(folder, `${format}-${name.replace(/\W/g, "-")}.tar`);
  for (const [format, open] of TARGETS) {
    const sets = [
      ["all", images],
      ...images.map((image) => [image.name, [image]] as const),
    ] as const;
    for (const [name, set] of sets) {
      const target = open(fs, pathOf(format, name), { platform: AMD64 });
      for (const image of set) await copy(store, image.name, target);
      await target.close();
    }
  }
  return {
    images,
    single: (format, { name }) => pathOf(format, name),
    all: (format) => pathOf(format, "all"),
  };
}

async function inspected(engine: DockerEngine, name: string): Promise<unknown> {
  const format = '{"id":{{json .Id}},"layers":{{json .RootFS.Layers}}}';
  return JSON.parse((await engine.docker("image", "inspect", "-f", format, name)).stdout);
}

test("Docker and containerd load what was written, digests equal", {
  skip: noDockerEngine(),
}, async () => {
  await inScratch(async (folder) => {
    const { images, single, all } = await writeArchives(folder);
    await withDockerEngine(join(folder, "engine"), async (engine) => {
      const check = async () => {
        for (const { name, id, diffIDs } of images) {
          assert.deepEqual(await inspected(engine, name), { id, layers: diffIDs }, name);
        }
        await engine.docker("rmi", "-f", ...images.map(({ name }) => name));
      };
      for (const format of ["oci", "docker"]) {
        await engine.docker("load", "-i", all(format));
        await check();
        for (const image of images) await engine.docker("load", "-i", single(format, image));
        await check();
        const ctr = ["-a", engine.containerd, "-n", `lading-${format}`, "images"];
        await mustRun("ctr", [...ctr, "import", "--no-unpack", "--all-platforms", all(format)]);
        const { stdout } = await mustRun("ctr", [...ctr, "ls"]);
        const loaded = stdout.trim().split("\n").slice(1).map((line) => line.split(/\s+/));
        assert.deepEqual(
          loaded.map(([name, , digest]) => [name, digest]).sort(),
          images.map(({ name, digest }) => [name, digest]).sort(),
        );
      }
    });
  });
});

test("Docker loads an archive that is piped to it, without a file", {
  skip: noDockerEngine(),
}, async () => {
  await inScratch(async (folder) => {
    const store = memoryStore();
    const images = await storedImages(store);
    const roots = await Promise.all(images.map(async ({ name }) => ({
      descriptor: await store.resolve(name),
      reference: name,
    })));
    await withDockerEngine(join(folder, "engine"), async (engine) => {
      const child = spawn("docker", ["load"], {
        env: { ...process.env, ...engine.env },
        stdio: ["pipe", "ignore", "inherit"],
      });
      const ended = new Promise((resolve) => child.once("close", resolve));
      const archive = writeDockerArchive(store, roots, { platform: AMD64 });
      await archive.pipeTo(Writable.toWeb(child.stdin) as WritableStream);
      assert.equal(await ended, 0);
      for (const { name, id, diffIDs } of images) {
        assert.deepEqual(await inspected(engine, name), { id, layers: diffIDs }, name);
      }
    });
  });
});

function podmanIn(folder: string): (...args: string[]) => Promise<string> {
  const places = ["--root", join(folder, "pods"), "--runroot", join(folder, "run")];
  const common = [...places, "--storage-driver=vfs", "--cgroup-manager=cgroupfs"];
  return async (...args) => (await mustRun("podman", [...common, ...args])).stdout;
}

const noPodman = missing("podman") ||
  (process.getuid?.() === 0 ? false : "needs root to load into podman");

test("podman loads what was written, digests equal", { skip: noPodman }, async () => {
  await inScratch(async (folder) => {
    const { images, single, all } = await writeArchives(folder);
    const podman = podmanIn(folder);
    const idOf = async (name: string) =>
      `sha256:${(await podman("image", "inspect", "-f", "{{.Id}}", name)).trim()}`;
    for (const format of ["oci", "docker"]) {
      await podman("load", "-q", "-i", all(format));
      for (const { name, id } of images) assert.equal(await idOf(name), id, name);
      await podman("rmi", "-af");
      for (const image of images) {
        await podman("load", "-q", "-i", single(format, image));
        assert.equal(await idOf(image.name), image.id);
        const format2 = "{{.Digest}}";
        const digest = (await podman("image", "inspect", "-f", format2, image.name)).trim();
        assert.equal(digest, image.digest, `${format} ${image.name}`);
      }
      await podman("rmi", "-af");
    }
  });
});

test("skopeo reads what was written as both kinds of archives, digests equal", {
  skip: missing("skopeo"),
}, async () => {
  await inScratch(async (folder) => {
    const { images, single, all } = await writeArchives(folder);
    const hash = (text: string) => `sha256:${createHash("sha256").update(text).digest("hex")}`;
    const inspect = async (...args: string[]) =>
      hash((await mustRun("skopeo", ["inspect", "--raw", ...args])).stdout);
    for (const format of ["oci", "docker"]) {
      for (const image of images) {
        const path = single(format, image);
        assert.equal(await inspect(`oci-archive:${path}`), image.digest);
        assert.equal(await inspect("--config", `docker-archive:${path}`), image.id);
        const named = `docker-archive:${all(format)}:${image.name}`;
        assert.equal(await inspect("--config", named), image.id);
        // skopeo 1.9 finds only manifests of OCI's own types by their names.
        if (image.name.includes("docker:")) continue;
        assert.equal(await inspect(`oci-archive:${all(format)}:${image.name}`), image.digest);
        const out = `dir:${join(folder, `${format}-${image.digest.slice(7, 19)}`)}`;
        await mustRun("skopeo", ["copy", "-q", "--all", `oci-archive:${path}`, out]);
        await mustRun("skopeo", ["copy", "-q", named, `${out}-docker`]);
        const raw = readFileSync(join(out.slice(4), "manifest.json"), "utf8");
        assert.equal(hash(raw), image.digest);
      }
    }
  });
});

/** What an archive presents: for each name the manifest, all content below it proved. */
async function presented(archive: DockerArchive): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  try {
    for await (const { descriptor, reference } of archive.roots()) {
      const target = memoryStore();
      await copy(archive, descriptor.digest, target, { targetReference: "x:1" });
      found[reference ?? descriptor.digest] = (await target.resolve("x:1")).digest;
    }
  } finally {
    await archive.close();
  }
  return found;
}

function streamOfFile(path: string): ByteStream {
  return Readable.toWeb(createReadStream(path)) as ByteStream;
}

/** Reads an archive in every way; all have to see the same. */
async function readEveryWay(
  path: string,
  folder: string,
  open: typeof dockerArchive,
): Promise<Record<string, string>> {
  const fs = nodeFileSystem();
  const temporary = { fileSystem: fs, directory: folder };
  const whole = await presented(open(fs, path));
  assert.deepEqual(await presented(open(streamOfFile(path))), whole, path);
  assert.deepEqual(await presented(open(streamOfFile(path), { temporary })), whole, path);
  assert.ok(Object.keys(whole).length > 0, path);
  return whole;
}

async function configsOf(archive: DockerArchive, names: readonly string[]): Promise<string[]> {
  const target = memoryStore();
  const configs: string[] = [];
  for (const name of names) {
    const { descriptor } = await copy(archive, name, target, { targetReference: "x:1" });
    const manifest = await new Response(await target.fetch(descriptor)).json();
    configs.push(manifest.config.digest);
  }
  await archive.close();
  return configs;
}

test("what docker save writes is read from its pipe, and as a file", {
  skip: noDockerEngine(),
}, async () => {
  await inScratch(async (folder) => {
    const { images, all } = await writeArchives(folder);
    const names = images.map(({ name }) => name);
    await withDockerEngine(join(folder, "engine"), async (engine) => {
      await engine.docker("load", "-i", all("docker"));
      const fs = nodeFileSystem();
      const spool = join(folder, "spool");
      mkdirSync(spool);
      for (const options of [{}, { temporary: { fileSystem: fs, directory: spool } }]) {
        const child = spawn("docker", ["save", ...names], {
          env: { ...process.env, ...engine.env },
          stdio: ["ignore", "pipe", "inherit"],
        });
        const ended = new Promise((resolve) => child.once("close", resolve));
        const piped = dockerArchive(Readable.toWeb(child.stdout) as ByteStream, options);
        assert.deepEqual(await configsOf(piped, names), images.map(({ id }) => id));
        assert.equal(await ended, 0, "docker save was read to its end");
      }
      const saved = join(folder, "saved.tar");
      for (const set of [names, names.slice(0, 1), [images[4]?.id ?? ""]]) {
        await engine.docker("save", "-o", saved, ...set);
        await readEveryWay(saved, spool, dockerArchive);
      }
      await engine.docker("save", "-o", saved, ...names);
      const listed = (await mustRun("tar", ["tvf", saved])).stdout;
      assert.match(listed, /^l.* -> \.\.\/[0-9a-f]{64}\/layer\.tar$/m, "there is no linked layer");
      assert.deepEqual(
        await configsOf(dockerArchive(fs, saved), names),
        images.map(({ id }) => id),
      );
      await mustRun("gzip", ["-k", saved]);
      await readEveryWay(`${saved}.gz`, spool, dockerArchive);
    });
  });
});

test("what podman save and skopeo copy write is read from a stream, and as a file", {
  skip: noPodman || missing("skopeo"),
}, async () => {
  await inScratch(async (folder) => {
    const { images, single, all } = await writeArchives(folder);
    const podman = podmanIn(folder);
    const spool = join(folder, "spool");
    mkdirSync(spool);
    await podman("load", "-q", "-i", all("docker"));
    const path = (name: string) => join(folder, name);
    const openOCI: typeof dockerArchive = ociArchive;
    for (const [i, image] of images.entries()) {
      const oci = path(`podman-oci-${i}.tar`);
      await podman("save", "-q", "--format", "oci-archive", "-o", oci, image.name);
      assert.deepEqual(Object.keys(await readEveryWay(oci, spool, openOCI)), [image.name]);
      const docker = path(`podman-docker-${i}.tar`);
      await podman("save", "-q", "--format", "docker-archive", "-o", docker, image.name);
      await readEveryWay(docker, spool, dockerArchive);
      assert.deepEqual(
        await configsOf(dockerArchive(streamOfFile(docker)), [image.name]),
        [image.id],
      );
      const source = `oci-archive:${single("oci", image)}`;
      const copied = path(`skopeo-oci-${i}.tar`);
      // OCI's archives hold OCI's types in skopeo, so that Docker's are converted.
      const isKept = !image.name.includes("docker:");
      const how = ["-q", "--all", ...(isKept ? ["--preserve-digests"] : [])];
      await mustRun("skopeo", ["copy", ...how, source, `oci-archive:${copied}:x:1`]);
      const found = await readEveryWay(copied, spool, openOCI);
      if (isKept) assert.deepEqual(found, { "x:1": image.digest });
      const converted = path(`skopeo-docker-${i}.tar`);
      const to = `docker-archive:${converted}:${image.name}`;
      await mustRun("skopeo", ["copy", "-q", `docker-archive:${single("docker", image)}`, to]);
      assert.deepEqual(Object.keys(await readEveryWay(converted, spool, dockerArchive)), [
        image.name,
      ]);
    }
    const several = path("podman-several.tar");
    const names = images.map(({ name }) => name);
    await podman("save", "-q", "-m", "--format", "docker-archive", "-o", several, ...names);
    assert.deepEqual(
      Object.keys(await readEveryWay(several, spool, dockerArchive)).sort(),
      [...names].sort(),
    );
  });
});

test("an archive that is cut while docker load reads it is refused, and changes nothing", {
  skip: noDockerEngine(),
}, async () => {
  await inScratch(async (folder) => {
    const { images: [image], single } = await writeArchives(folder);
    assert.ok(image !== undefined);
    const path = single("docker", image);
    const cut = join(folder, "cut.tar");
    await mustRun("cp", [path, cut]);
    await mustRun("truncate", ["-s", "9000", cut]);
    await assert.rejects(presented(dockerArchive(streamOfFile(cut))), { code: "INVALID_TAR" });
    await withDockerEngine(join(folder, "engine"), async (engine) => {
      const ran = await run("docker", ["load", "-i", cut], { env: engine.env });
      assert.notEqual(ran.code, 0);
    });
  });
});
