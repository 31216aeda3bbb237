// An image with one very large layer, and how much memory commands take.
import { randomBytes } from "node:crypto";
import process from "node:process";
import { iterate } from "../../lib/bytes/mod.ts";
import { createHasher, digestBytes } from "../../lib/hash/mod.ts";
import {
  type Bytes,
  type ByteStream,
  formatDigest,
  MEDIA_TYPE_OCI_LAYER,
} from "../../lib/model/mod.ts";
import { hostTransport } from "../../lib/runtime/host_transport.ts";
import { writeTar } from "../../lib/tar/mod.ts";
import { type Descriptor, Registry } from "../../mod.ts";
import { mustRun } from "./program.ts";

/** How large the layer is: 2 GiB. */
export const LAYER_BYTES: number = 2 * 1024 ** 3;

const PIECE = new Uint8Array(randomBytes(1024 ** 2));

/** A tar archive of one file, whose content is the piece over and over. */
function layerStream(): ByteStream {
  let left = LAYER_BYTES - 3 * 512;
  const body = new ReadableStream<Bytes>({
    pull(controller) {
      controller.enqueue(PIECE.subarray(0, Math.min(left, PIECE.byteLength)));
      left -= PIECE.byteLength;
      if (left <= 0) controller.close();
    },
  }, { highWaterMark: 0 });
  return writeTar([{ path: "large", size: LAYER_BYTES - 3 * 512, body }]);
}

/** Pushes the image as `large:1`; nothing of it is held. */
export async function pushLarge(host: string): Promise<Descriptor> {
  const repository = new Registry(host, { transport: hostTransport() }).repository("large");
  const hasher = createHasher("sha256");
  let size = 0;
  for await (const chunk of iterate(layerStream())) {
    hasher.update(chunk);
    size += chunk.byteLength;
  }
  const digest = formatDigest("sha256", hasher.digest());
  const large = { mediaType: MEDIA_TYPE_OCI_LAYER, digest, size };
  await repository.push(large, layerStream);
  const push = async (mediaType: string, value: object): Promise<Descriptor> => {
    const bytes = new TextEncoder().encode(JSON.stringify(value));
    const descriptor = { mediaType, digest: digestBytes("sha256", bytes), size: bytes.length };
    await repository.push(descriptor, bytes);
    return descriptor;
  };
  const config = await push("application/vnd.oci.image.config.v1+json", {
    architecture: "amd64",
    os: "linux",
    rootfs: { type: "layers", diff_ids: [digest] },
  });
  const mediaType = "application/vnd.oci.image.manifest.v1+json";
  const manifest = await push(mediaType, { schemaVersion: 2, mediaType, config, layers: [large] });
  await repository.tag(manifest, "1");
  return manifest;
}

// What getrusage() tells as the most is inherited from the process that started this one.
const REPORT = `--import=data:text/javascript,${
  encodeURIComponent(
    `import { readFileSync } from "node:fs";
    process.on("exit", () => {
      console.error("peak", /VmHWM:\\s+(\\d+)/.exec(readFileSync("/proc/self/status", "utf8"))[1]);
    });`,
  )
}`;

/** The most memory that the command, as it was built, had with arguments, in MiB. */
export async function peak(command: string, ...args: string[]): Promise<number> {
  const { stderr } = await mustRun(process.execPath, [REPORT, command, ...args]);
  return Number(/^peak (\d+)$/m.exec(stderr)?.[1]) / 1024;
}
