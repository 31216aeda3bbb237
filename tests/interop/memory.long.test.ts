// A layer of 2 GiB is pulled and validated in the memory that lading promises.
import { randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import assert from "node:assert/strict";
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
import { withDockerRegistry } from "../support/docker_registry.ts";
import { inScratch, missing, mustRun } from "../support/program.ts";

const LAYER_BYTES = 2 * 1024 ** 3;
const PIECE = new Uint8Array(randomBytes(1024 ** 2));
const ALLOWED_MIB = 64;

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

async function pushLarge(host: string): Promise<void> {
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
}

const REPORT = `--import=data:text/javascript,${
  encodeURIComponent(
    `process.on("exit", () => console.error("peak", process.resourceUsage().maxRSS));`,
  )
}`;

/** The most memory that the command had, in MiB. */
async function peak(...args: string[]): Promise<number> {
  const { stderr } = await mustRun(process.execPath, [REPORT, "dist/bin/lading.js", ...args]);
  return Number(/^peak (\d+)$/m.exec(stderr)?.[1]) / 1024;
}

test(`pull and validate of a 2 GiB layer stay within ${ALLOWED_MIB} MiB of an idle process`, {
  skip: missing("docker-registry"),
}, async () => {
  await mustRun(process.execPath, ["tests/tools/build.mjs"]);
  await inScratch((folder) =>
    withDockerRegistry(folder, async (host) => {
      await pushLarge(host);
      const idle = await peak("--help");
      const layout = `oci:${join(folder, "layout")}:1`;
      const pulled = await peak("pull", "--quiet", `${host}/large:1`, layout);
      const validated = await peak("validate", "--quiet", layout);
      const [pull, validate] = [pulled - idle, validated - idle];
      const figures = `idle ${idle} MiB, pull +${pull} MiB, validate +${validate} MiB`;
      console.log(figures);
      assert.ok(idle > 10 && pull < ALLOWED_MIB && validate < ALLOWED_MIB, figures);
      rmSync(join(folder, "layout"), { recursive: true });
    })
  );
});
