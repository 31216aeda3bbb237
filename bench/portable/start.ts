// How long does the first layer of a process take? 64 KiB, read through `entries()`; lading is
// imported, and nothing of it has run. Beside others, whose packages are imported as well. Each has a
// process of its own in each round. A browser is busy with its own start on all processors when it
// shows its first page: there it is waited for.
import { streamOf } from "../../lib/bytes/stream_from.ts";
import { verified } from "../../lib/bytes/verify.ts";
import { openLayer } from "../../lib/image/layer.ts";
import { MEDIA_TYPE_OCI_LAYER_GZIP } from "../../lib/model/media_types.ts";
import { ask, type BenchLayer, type Entrant } from "./_bench.ts";
import { peerPasses } from "./_peer_passes.ts";

const REST_OF_BROWSER_MS = 400;

async function first(made: BenchLayer): Promise<readonly Entrant[]> {
  const { bytes, digest, diffID, size } = made;
  if ("document" in globalThis) {
    await new Promise((resolve) => setTimeout(resolve, REST_OF_BROWSER_MS));
  }
  const source = {
    exists: () => Promise.resolve(true),
    fetch: () => Promise.resolve(verified(streamOf(bytes), { mediaType: "", digest, size })),
  };
  const layer = openLayer(source, { mediaType: MEDIA_TYPE_OCI_LAYER_GZIP, digest, size }, diffID);
  const own = {
    name: "entries()",
    async run() {
      for await (const entry of layer.entries()) {
        if (entry.type === "file") await entry.lend(() => {});
      }
    },
  };
  return [own, ...peerPasses(made)];
}

ask({ first });
