// A program that leaves its threads open: `node threads_left_open.ts idle|busy`. It has to end.
import process from "node:process";
import { readAll, streamOf } from "../../lib/bytes/mod.ts";
import { openLayer } from "../../lib/image/mod.ts";
import { layerThreads } from "../../lib/runtime/threads.ts";
import { writeTar } from "../../lib/tar/mod.ts";

const body = new Uint8Array(16 << 20);
const tar = await readAll(writeTar([{ path: "a", body }, { path: "b" }]), { maxBytes: 1 << 26 });
const mediaType = "application/vnd.oci.image.layer.v1.tar";
const layer = openLayer({
  exists: () => Promise.resolve(true),
  fetch: () => Promise.resolve(streamOf(tar)),
}, { mediaType, digest: `sha256:${"0".repeat(64)}`, size: tar.length });

const threads = layerThreads(2, { minBytes: 0 });
const entries = layer.entries({ threads });
const { value } = await entries.next();
console.log(value?.path);
// Of the busy one all buffers wait for a reader that never comes.
if (process.argv[2] === "idle") { for await (const { path } of entries) console.log(path); }
