// The layers that benches work on, made on this machine and kept for the next run.
import { createHash } from "node:crypto";
import {
  createReadStream,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join, resolve } from "node:path";
import { createGunzip, gzipSync } from "node:zlib";
import { readAll, streamFrom } from "../lib/bytes/mod.ts";
import { gunzip } from "../lib/compress/mod.ts";
import type { Bytes } from "../lib/model/bytes.ts";
import { BLOCK_SIZE } from "../lib/tar/header.ts";
import { readTar, type TarEntry, type TarInput, writeTar } from "../lib/tar/mod.ts";
import { DEBIAN_NEEDS, debianLayout } from "../tests/support/debian.ts";
import { missing, mustRun } from "../tests/support/program.ts";
import type { LayerFacts } from "./_results.ts";

const CACHE = resolve(".cache/bench");

/** Packages that are programs of the platform, not JavaScript. */
export const PROGRAMS: readonly string[] = [
  ...["deno", "@deno", "bun", "@oven", "node", "workerd", "@cloudflare", "@esbuild", "@typescript"],
  ...["esbuild/bin", "binaryen/bin", ".bin"],
];

/** Uncompressed bytes of the layer that a process begins with. */
const FIRST_BYTES = 65536;

/** A layer on disk. */
export interface MadeLayer {
  readonly path: string;
  readonly facts: LayerFacts;
}

/** What a bench works on. */
export interface MadeLayers {
  /** Name -> a whole layer; the smaller one is first. */
  readonly whole: Readonly<Record<string, MadeLayer>>;
  /** Name -> a layer of 64 KiB with some of its files. */
  readonly first: Readonly<Record<string, MadeLayer>>;
}

/**
 * Makes the layers: the packages of this checkout as npm has put them there, compressed by zlib 6,
 * and a Debian root file system as umoci packs it. Needs root.
 */
export async function makeLayers(): Promise<MadeLayers> {
  mkdirSync(CACHE, { recursive: true });
  const paths = { npm: await npmLayer(), debian: await debianLayer() };
  const whole: Record<string, MadeLayer> = {};
  const first: Record<string, MadeLayer> = {};
  for (const [name, path] of Object.entries(paths)) {
    whole[name] = { path, facts: await factsOf(path) };
    const small = join(CACHE, `first-${name}.tar.gz`);
    writeFileSync(small, gzipSync(await beginning(path)));
    first[name] = { path: small, facts: await factsOf(small) };
  }
  return { whole, first };
}

/** Reads a layer by other means than lading's. */
async function factsOf(path: string): Promise<LayerFacts> {
  const stored = createHash("sha256");
  for await (const chunk of createReadStream(path)) stored.update(chunk);
  const plain = createHash("sha256");
  let plainSize = 0;
  for await (const chunk of createReadStream(path).pipe(createGunzip())) {
    plain.update(chunk);
    plainSize += chunk.length;
  }
  return {
    digest: `sha256:${stored.digest("hex")}`,
    diffID: `sha256:${plain.digest("hex")}`,
    size: statSync(path).size,
    plainSize,
  };
}

async function debianLayer(): Promise<string> {
  const absent = missing(...DEBIAN_NEEDS);
  if (absent !== false) throw new Error(`this bench ${absent}`);
  const blobs = join(await debianLayout(), "blobs/sha256");
  const paths = readdirSync(blobs).map((name) => join(blobs, name));
  const [layer] = paths.sort((one, other) => statSync(other).size - statSync(one).size);
  if (layer === undefined) throw new Error(`no blob in ${blobs}`);
  return layer;
}

/** What is installed changes with the lock, and so does the layer. */
async function npmLayer(): Promise<string> {
  const lock = createHash("sha256").update(readFileSync("package-lock.json")).digest("hex");
  const path = join(CACHE, `npm-${lock.slice(0, 12)}.tar.gz`);
  if (existsSync(path)) return path;
  const excluded = PROGRAMS.map((name) => `--exclude=./${name}`);
  const archive = join(CACHE, "npm.tar.part");
  await mustRun("tar", ["-C", "node_modules", "--sort=name", ...excluded, "-cf", archive, "."]);
  const draft = `${path}.part`;
  writeFileSync(draft, gzipSync(readFileSync(archive)));
  renameSync(draft, path);
  rmSync(archive);
  return path;
}

/** Gives the files of a layer. */
export async function* filesOf(path: string): AsyncGenerator<TarEntry, void, undefined> {
  const stored = streamFrom(createReadStream(path) as AsyncIterable<Bytes>);
  for await (const entry of readTar(gunzip(stored))) if (entry.type === "file") yield entry;
}

/** Makes of a file one that can be written: its name and its content. */
export async function inputOf(entry: TarEntry): Promise<TarInput> {
  return { path: entry.path, type: "file", body: await entry.bytes() };
}

/** Packs the first small files of a layer, as many as fit. */
async function beginning(path: string): Promise<Bytes> {
  const inputs: TarInput[] = [];
  // The two blocks at the end count too.
  let length = 2 * BLOCK_SIZE;
  for await (const entry of filesOf(path)) {
    const packed = BLOCK_SIZE + Math.ceil(entry.size / BLOCK_SIZE) * BLOCK_SIZE;
    if (length + packed > FIRST_BYTES) continue;
    inputs.push(await inputOf(entry));
    length += packed;
    if (FIRST_BYTES - length < 2 * BLOCK_SIZE) break;
  }
  return await readAll(writeTar(inputs), { maxBytes: FIRST_BYTES });
}
