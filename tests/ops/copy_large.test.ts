import { test } from "node:test";
import assert from "node:assert/strict";
import { iterate } from "../../lib/bytes/mod.ts";
import { createResumableHasher, digestBytes, resumeHasher } from "../../lib/hash/mod.ts";
import type { Bytes, ByteStream } from "../../lib/model/bytes.ts";
import type { Descriptor } from "../../lib/model/descriptor.ts";
import { formatDigest } from "../../lib/model/mod.ts";
import { copy } from "../../lib/ops/mod.ts";
import { Registry } from "../../lib/registry/mod.ts";
import { memoryStore } from "../../lib/store/mod.ts";
import { putImage } from "./content.ts";

const MIB = 1024 * 1024;
const LAYERS = 8;
const LAYER_MIB = 64;

/** What a Worker may have open at a time. */
const MOST_OPEN = 6;

/** What may be on the way between the registries in all. */
const MOST_HELD = 8 * MIB;

/** The content of every layer but its last piece, over and over. */
const PIECE = Uint8Array.from({ length: MIB }, (_, i) => i * 7 + (i >> 8) * 13 + (i >> 16));

function lastPiece(layer: number): Bytes {
  const piece = PIECE.slice();
  piece[0] = layer;
  return piece;
}

const json = (value: object): Bytes => new TextEncoder().encode(JSON.stringify(value));

/** An image of 512 MiB that is nowhere: its layers are made when they are read. */
function largeImage() {
  const common = createResumableHasher("sha256");
  for (let i = 1; i < LAYER_MIB; i++) common.update(PIECE);
  const state = common.exportState();
  const numbers = new Map<string, number>();
  const layers: Descriptor[] = [];
  for (let i = 0; i < LAYERS; i++) {
    const hasher = resumeHasher(state);
    hasher.update(lastPiece(i));
    const digest = formatDigest("sha256", hasher.digest());
    numbers.set(digest, i);
    const mediaType = "application/vnd.oci.image.layer.v1.tar";
    layers.push({ mediaType, digest, size: LAYER_MIB * MIB });
  }
  const config = json({
    os: "linux",
    architecture: "amd64",
    rootfs: { type: "layers", diff_ids: layers.map(({ digest }) => digest) },
  });
  const mediaType = "application/vnd.oci.image.manifest.v1+json";
  const describe = (bytes: Bytes, mediaType: string): Descriptor => ({
    mediaType,
    digest: digestBytes("sha256", bytes),
    size: bytes.byteLength,
  });
  const manifest = json({
    schemaVersion: 2,
    mediaType,
    config: describe(config, "application/vnd.oci.image.config.v1+json"),
    layers,
  });
  return { config, manifest, mediaType, numbers, digest: describe(manifest, mediaType).digest };
}

/** Counts what is open between two registries, and what has been made and not yet taken. */
class Traffic {
  open = 0;
  mostOpen = 0;
  held = 0;
  mostHeld = 0;

  enter(): () => void {
    this.mostOpen = Math.max(this.mostOpen, ++this.open);
    let isOver = false;
    return () => {
      if (!isOver) this.open--;
      isOver = true;
    };
  }

  move(bytes: number): void {
    this.held += bytes;
    this.mostHeld = Math.max(this.mostHeld, this.held);
  }
}

/** A registry that makes the image while it is read. */
function sourceOf(image: ReturnType<typeof largeImage>, traffic: Traffic) {
  const layer = (number: number): ByteStream => {
    const leave = traffic.enter();
    let pieces = 0;
    return new ReadableStream<Bytes>({
      pull(controller) {
        if (pieces === LAYER_MIB) {
          leave();
          return controller.close();
        }
        // A copy: what is handed over belongs to whoever takes it.
        controller.enqueue(++pieces === LAYER_MIB ? lastPiece(number) : PIECE.slice());
        traffic.move(MIB);
      },
      cancel: leave,
    }, { highWaterMark: 0 });
  };
  return (request: Request): Promise<Response> => {
    const { pathname } = new URL(request.url);
    const number = image.numbers.get(/sha256:.*$/.exec(pathname)?.[0] ?? "");
    const isManifest = pathname.includes("/manifests/");
    const bytes = isManifest ? image.manifest : image.config;
    const size = number === undefined ? bytes.byteLength : LAYER_MIB * MIB;
    const content = number === undefined ? bytes : layer(number);
    const headers = { "content-type": image.mediaType, "content-length": `${size}` };
    return Promise.resolve(
      new Response(request.method === "HEAD" ? null : content, { headers }),
    );
  };
}

/** A registry that counts what it gets, and keeps only the names. */
function targetOf(traffic: Traffic) {
  const sizes = new Map<string, number>();
  const handle = async (request: Request): Promise<Response> => {
    const { pathname, searchParams } = new URL(request.url);
    const name = /[^/]*$/.exec(pathname)?.[0] ?? "";
    if (request.method === "POST") {
      return new Response(null, { status: 202, headers: { location: `${pathname}1` } });
    }
    if (request.method !== "PUT") return new Response(null, { status: 404 });
    const leave = traffic.enter();
    let size = 0;
    for await (const chunk of iterate(request.body as ByteStream)) {
      size += chunk.byteLength;
      if (searchParams.has("digest")) traffic.move(-chunk.byteLength);
    }
    leave();
    sizes.set(searchParams.get("digest") ?? name, size);
    return new Response(null, { status: 201 });
  };
  return { handle, sizes };
}

test(`copy() moves ${LAYERS * LAYER_MIB} MiB between registries with at most ${MOST_OPEN} bodies open, and holds little`, async () => {
  const image = largeImage();
  const traffic = new Traffic();
  const target = targetOf(traffic);
  const from = new Registry("from.test", { transport: sourceOf(image, traffic) });
  const to = new Registry("to.test", { transport: target.handle });
  const result = await copy(from.repository("large"), "1", to.repository("large"));
  assert.equal(result.descriptor.digest, image.digest);
  for (const digest of image.numbers.keys()) {
    assert.equal(target.sizes.get(digest), LAYER_MIB * MIB, digest);
  }
  assert.equal(target.sizes.get(image.digest) ?? target.sizes.get("1"), image.manifest.byteLength);
  assert.equal(traffic.open, 0);
  assert.ok(traffic.mostOpen > 2 && traffic.mostOpen <= MOST_OPEN, `${traffic.mostOpen} bodies`);
  assert.ok(traffic.mostHeld <= MOST_HELD, `${traffic.mostHeld} bytes were held`);
});

test("timers fire while a blob is copied between stores in memory", async () => {
  const [from, to] = [memoryStore(), memoryStore()];
  const layer = new Uint8Array(32 * MIB);
  await putImage(from, [layer], { reference: "1" });
  let isTimeOfOthers = false;
  const timer = setTimeout(() => isTimeOfOthers = true, 0);
  const wasTimeOfOthers: boolean[] = [];
  for await (const event of copy(from, "1", to)) {
    if (event.type === "manifest") wasTimeOfOthers.push(isTimeOfOthers);
  }
  clearTimeout(timer);
  assert.deepEqual(wasTimeOfOthers, [true]);
});
