// Packs a folder with the tar stream of the standard library and reads it with lading, then the
// other way round:
//
//   deno run -A examples/deno_std.ts FOLDER
import { TarStream, type TarStreamInput, UntarStream } from "@std/tar";
import { readTar, writeTar } from "@lading/lading/tar";

const [folder = "."] = Deno.args;

async function* files(): AsyncGenerator<TarStreamInput> {
  for await (const { name, isFile } of Deno.readDir(folder)) {
    if (!isFile) continue;
    const file = await Deno.open(`${folder}/${name}`);
    yield { type: "file", path: name, size: (await file.stat()).size, readable: file.readable };
  }
}

const packed = ReadableStream.from(files()).pipeThrough(new TarStream());
const kept: { path: string; body: Uint8Array<ArrayBuffer> }[] = [];
for await (const entry of readTar(packed)) {
  console.log("lading read", entry.path, entry.size);
  kept.push({ path: entry.path, body: await entry.bytes() });
}

for await (const entry of writeTar(kept).pipeThrough(new UntarStream())) {
  console.log("std read", entry.path, entry.header.size);
  await entry.readable?.cancel();
}
