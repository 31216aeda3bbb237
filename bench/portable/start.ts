// How long does the first layer of a process take? 64 KiB, read through `entries()`; lading is
// imported, and nothing of it has run. Each round is a process of its own.
import { streamOf } from "../../lib/bytes/stream_from.ts";
import { verified } from "../../lib/bytes/verify.ts";
import { openLayer } from "../../lib/image/layer.ts";
import { MEDIA_TYPE_OCI_LAYER_GZIP } from "../../lib/model/media_types.ts";
import { ask, type BenchLayer, type Entrant } from "./_bench.ts";

function first({ bytes, digest, diffID, size }: BenchLayer): Promise<readonly Entrant[]> {
  const source = {
    exists: () => Promise.resolve(true),
    fetch: () => Promise.resolve(verified(streamOf(bytes), { mediaType: "", digest, size })),
  };
  const layer = openLayer(source, { mediaType: MEDIA_TYPE_OCI_LAYER_GZIP, digest, size }, diffID);
  return Promise.resolve([{
    name: "entries()",
    async run() {
      for await (const entry of layer.entries()) {
        if (entry.type === "file") await entry.lend(() => {});
      }
    },
  }]);
}

ask({ first });
