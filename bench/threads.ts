// How fast is `lading validate --threads 2` beside the same without threads? Images of four layers in
// a layout on disk: the packages of this checkout, and the files of a Debian root file system, a
// quarter of the bytes in each layer.
import { createWriteStream } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { type TarInput, writeTar } from "../lib/tar/mod.ts";
import { component, inScratch, mustRun } from "../tests/support/program.ts";
import { filesOf, inputOf, type MadeLayer, makeLayers } from "./_layers.ts";
import { compare } from "./_rounds.ts";

const ROUNDS = 11;
const LAYERS = 4;

/** Runtime -> the program and its arguments before the script. */
const RUNTIMES: Readonly<Record<string, readonly [string, ...string[]]>> = {
  "Node 24": ["node24"],
  "Bun": ["bun"],
  "Deno": ["deno", "run", "-A"],
  "Node of the machine": ["node"],
};

/** Gives the files of a layer whose last byte is in one of its parts. */
async function* partOf({ path, facts }: MadeLayer, part: number): AsyncGenerator<TarInput> {
  const partBytes = Math.ceil(facts.plainSize / LAYERS);
  for await (const entry of filesOf(path)) {
    const end = entry.bodyOffset + entry.size;
    if (Math.floor(end / partBytes) === part) yield await inputOf(entry);
  }
}

/** Makes an image of the files of a layer, and gives its place. */
async function makeImage(folder: string, name: string, layer: MadeLayer): Promise<string> {
  const archives = Array.from({ length: LAYERS }, (_, i) => join(folder, `${name}-${i}.tar`));
  for (const [part, archive] of archives.entries()) {
    await writeTar(partOf(layer, part)).pipeTo(Writable.toWeb(createWriteStream(archive)));
  }
  const image = `oci:${join(folder, name)}:1`;
  await mustRun("node24", ["dist/bin/lading.js", "append", "scratch", ...archives, "--to", image]);
  return image;
}

console.log(`\n${availableParallelism()} processors`);
await mustRun(component("node24") ?? "", ["tests/tools/build.mjs"]);
await inScratch(async (folder) => {
  for (const [name, layer] of Object.entries((await makeLayers()).whole)) {
    const image = await makeImage(folder, name, layer);
    const megabytes = (layer.facts.plainSize / 1e6).toFixed(0);
    for (const [runtime, [program, ...args]] of Object.entries(RUNTIMES)) {
      const validate = (...options: readonly string[]) => async (): Promise<void> =>
        void await mustRun(program, [...args, "dist/bin/lading.js", "validate", image, ...options]);
      const peer = { name: "one thread", run: validate() };
      const contenders = [{ name: "--threads 2", run: validate("--threads", "2") }];
      const title = `validate, ${LAYERS} layers, ${name} (${megabytes} MB), ${runtime}`;
      await compare(title, peer, contenders, ROUNDS);
    }
  }
});
