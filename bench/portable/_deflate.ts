import * as fflate from "fflate";
import * as pako from "pako";
import { loadKernel } from "../../lib/kernel/mod.ts";
import { type BenchLayer, chunks, type Entrant, entrant, lengthOf, streamOf } from "./_bench.ts";
import { zlib } from "./_host.ts";
import { sampleOf } from "./_sample.ts";

/** What everybody calls the default. */
const LEVEL = 6;

function kernelDeflate(content: Uint8Array): number {
  const deflater = loadKernel({ kind: "wasm" }).deflater({ level: LEVEL, format: "deflate-raw" });
  for (const chunk of chunks(content)) {
    deflater.push(chunk);
    while (deflater.read() !== undefined);
  }
  deflater.end();
  while (deflater.read() !== undefined);
  deflater.close();
  return deflater.bytesOut;
}

/** Deflates the first bytes of a layer at the default level; sizes are compared too. */
export async function deflate({ bytes }: BenchLayer): Promise<readonly Entrant[]> {
  const content = sampleOf(bytes);
  const host = zlib;
  const ways: Record<string, () => number | Promise<number>> = {
    "kernel": () => kernelDeflate(content),
    "CompressionStream": () =>
      lengthOf(streamOf(content).pipeThrough(new CompressionStream("deflate-raw"))),
    "fflate": () => fflate.deflateSync(content, { level: LEVEL }).length,
    "pako": () => pako.deflateRaw(content, { level: LEVEL }).length,
  };
  if (host !== undefined) {
    const options = { level: LEVEL, chunkSize: 1 << 20 };
    ways["node:zlib"] = () => host.deflateRawSync(content, options).length;
  }
  const entrants: Entrant[] = [];
  for (const [name, run] of Object.entries(ways)) {
    const size = await run();
    entrants.push(entrant(name, size, run, size));
  }
  return entrants;
}
