// How long does the first layer of a process take? 64 KiB, read through `entries()`; lading is
// imported, and nothing of it has run. Each round is a process of its own. A browser is busy with its
// own start on all processors when it shows its first page: there it is waited for.
import { streamOf } from "../../lib/bytes/stream_from.ts";
import { verified } from "../../lib/bytes/verify.ts";
import { openLayer } from "../../lib/image/layer.ts";
import { MEDIA_TYPE_OCI_LAYER_GZIP } from "../../lib/model/media_types.ts";
import { ask, type BenchLayer, type Entrant } from "./_bench.ts";

const REST_OF_BROWSER_MS = 400;

async function first({ bytes, digest, diffID, size }: BenchLayer): Promise<readonly Entrant[]> {
  if ("document" in globalThis) {
    await new Promise((resolve) => setTimeout(resolve, REST_OF_BROWSER_MS));
  }
  const source = {
    exists: () => Promise.resolve(true),
    fetch: () => Promise.resolve(verified(streamOf(bytes), { mediaType: "", digest, size })),
  };
  const layer = openLayer(source, { mediaType: MEDIA_TYPE_OCI_LAYER_GZIP, digest, size }, diffID);
  return [{
    name: "entries()",
    async run() {
      for await (const entry of layer.entries()) {
        if (entry.type === "file") await entry.lend(() => {});
      }
    },
  }];
}

ask({ first });
