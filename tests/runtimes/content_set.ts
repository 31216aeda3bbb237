/**
 * The 22 kinds of content with which the conformance suite of the distribution-spec tries registries
 * (its `conformance/run.go`), made by code. Portable: tests on every runtime use it.
 */
import assert from "node:assert/strict";
import { readAll, streamOf } from "../../lib/bytes/mod.ts";
import { gzip } from "../../lib/compress/mod.ts";
import { digestBytes } from "../../lib/hash/mod.ts";
import { encodeBase64 } from "../../lib/model/base64.ts";
import type { Bytes, ByteStream } from "../../lib/model/bytes.ts";
import type { ContentStore, Referrers, Source } from "../../lib/model/content.ts";
import type { Descriptor } from "../../lib/model/descriptor.ts";
import {
  type DigestAlgorithm,
  MEDIA_TYPE_OCI_CONFIG,
  MEDIA_TYPE_OCI_EMPTY,
  MEDIA_TYPE_OCI_INDEX,
  MEDIA_TYPE_OCI_LAYER,
  MEDIA_TYPE_OCI_LAYER_GZIP,
  MEDIA_TYPE_OCI_MANIFEST,
} from "../../lib/model/mod.ts";
import { copy } from "../../lib/ops/mod.ts";
import { writeTar } from "../../lib/tar/mod.ts";

/** Something that is stored. */
export interface Content {
  readonly descriptor: Descriptor;
  readonly bytes: Bytes;
}

/** One kind of content. */
export interface Kind {
  readonly name: string;
  /** What is stored, in an order in which each thing names only what was stored before. */
  readonly contents: readonly Content[];
  /** What is copied: names, or digests. */
  readonly roots: ReadonlyMap<string, Descriptor>;
  /** Manifests that others refer to. */
  readonly subjects: readonly Descriptor[];
  /** What is named and nowhere to be had. */
  readonly missing: readonly Descriptor[];
}

const CONFIG_TYPE = "application/vnd.example.conformance.config.v1+json";
const EXAMPLE_TYPE = "application/vnd.example.conformance.v1+json";
const FOREIGN = "application/vnd.oci.image.layer.nondistributable.v1.tar";
const PLATFORMS = ["amd64", "arm64"].map((architecture) => ({ os: "linux", architecture }));
const HELLO = { "org.opencontainers.conformance": "hello conformance test" };

interface ImageSetup {
  readonly tag?: string;
  readonly layers?: readonly Content[];
  readonly config?: Content;
  readonly architecture?: string;
  /** More fields of the manifest. */
  readonly fields?: object;
  /** More fields of the config, and of each descriptor. */
  readonly extra?: object;
  readonly hasData?: boolean;
}

/** Makes one kind. */
class Maker implements Kind {
  readonly name: string;
  readonly contents: Content[] = [];
  readonly roots: Map<string, Descriptor> = new Map();
  readonly subjects: Descriptor[] = [];
  readonly missing: Descriptor[] = [];
  readonly #algorithm: DigestAlgorithm;
  #count = 0;

  constructor(name: string, algorithm: DigestAlgorithm = "sha256") {
    this.name = name;
    this.#algorithm = algorithm;
  }

  describe(mediaType: string, bytes: Bytes): Descriptor {
    return { mediaType, digest: digestBytes(this.#algorithm, bytes), size: bytes.byteLength };
  }

  content(mediaType: string, value: Bytes | object): Content {
    const bytes = value instanceof Uint8Array
      ? value
      : new TextEncoder().encode(JSON.stringify(value));
    return { descriptor: this.describe(mediaType, bytes), bytes };
  }

  /** Makes a layer, which is another one each time. */
  async layer(isCompressed = true): Promise<{ content: Content; diffID: string }> {
    const text = `${this.name} ${this.#count++}\n`;
    const body = new TextEncoder().encode(text.repeat(200));
    const tar = await all(writeTar([{ path: `${this.name}.txt`, mtime: 0, body }]));
    const bytes = isCompressed ? await all(gzip(streamOf(tar))) : tar;
    const mediaType = isCompressed ? MEDIA_TYPE_OCI_LAYER_GZIP : MEDIA_TYPE_OCI_LAYER;
    return { content: this.content(mediaType, bytes), diffID: digestBytes("sha256", tar) };
  }

  store(content: Content): Descriptor {
    this.contents.push(content);
    return content.descriptor;
  }

  config(architecture: string, diffIDs: readonly string[], extra: object = {}): Content {
    return this.content(MEDIA_TYPE_OCI_CONFIG, {
      architecture,
      os: "linux",
      rootfs: { type: "layers", diff_ids: diffIDs },
      ...extra,
    });
  }

  /** Makes an image of two layers, unless it is told otherwise. */
  async image(setup: ImageSetup = {}): Promise<Descriptor> {
    const { tag, architecture = "amd64", fields = {}, extra = {}, hasData = false } = setup;
    const made = setup.layers === undefined ? [await this.layer(), await this.layer()] : [];
    const layers = setup.layers ?? made.map(({ content }) => content);
    const config = setup.config ??
      this.config(architecture, made.map(({ diffID }) => diffID), extra);
    const entry = (content: Content): Descriptor => ({
      ...this.store(content),
      ...extra,
      ...(hasData ? { data: encodeBase64(content.bytes) } : {}),
    });
    const manifest = this.store(this.content(MEDIA_TYPE_OCI_MANIFEST, {
      schemaVersion: 2,
      mediaType: MEDIA_TYPE_OCI_MANIFEST,
      config: entry(config),
      layers: layers.map(entry),
      ...fields,
      ...extra,
    }));
    if (tag !== undefined) this.roots.set(tag, manifest);
    return manifest;
  }

  /** Makes an artifact of one blob. */
  async artifact(setup: ImageSetup = {}, layer?: Content): Promise<Descriptor> {
    const { content } = await this.layer();
    const { fields = {} } = setup;
    return await this.image({
      ...setup,
      config: this.content(MEDIA_TYPE_OCI_EMPTY, {}),
      layers: [layer ?? this.content(EXAMPLE_TYPE, content.bytes)],
      fields: { artifactType: CONFIG_TYPE, ...fields },
    });
  }

  index(manifests: readonly Descriptor[], tag?: string, fields: object = {}): Descriptor {
    const index = this.store(this.content(MEDIA_TYPE_OCI_INDEX, {
      schemaVersion: 2,
      mediaType: MEDIA_TYPE_OCI_INDEX,
      manifests,
      ...fields,
    }));
    if (tag !== undefined) this.roots.set(tag, index);
    return index;
  }

  /** Makes an index of an image for each platform. */
  async platforms(tag?: string, setup: ImageSetup = {}, fields: object = {}): Promise<Descriptor> {
    const manifests: Descriptor[] = [];
    for (const platform of PLATFORMS) {
      const { architecture } = platform;
      manifests.push({ ...await this.image({ ...setup, architecture }), platform, ...setup.extra });
    }
    return this.index(manifests, tag, { ...fields, ...setup.extra });
  }

  /** Names something that is nowhere. */
  absent(mediaType: string, size: number): Descriptor {
    const digest = digestBytes("sha256", new TextEncoder().encode(`${this.name} ${this.#count++}`));
    const descriptor = { mediaType, digest, size };
    this.missing.push(descriptor);
    return descriptor;
  }
}

async function all(stream: ByteStream): Promise<Bytes> {
  return await readAll(stream, { maxBytes: 1 << 26 });
}

/** How each kind is made; the names are those of the suite. */
const KINDS: Readonly<Record<string, (kind: Maker) => Promise<unknown> | void>> = {
  "image": (kind) => kind.image({ tag: "image" }),
  "image-uncompressed": async (kind) => {
    const layers = [await kind.layer(false), await kind.layer(false)];
    await kind.image({
      tag: "image-uncompressed",
      layers: layers.map(({ content }) => content),
      config: kind.config("amd64", layers.map(({ diffID }) => diffID)),
    });
  },
  "large-manifest": (kind) => {
    const long = "A".repeat(10_000);
    const annotations = Object.fromEntries(
      Array.from({ length: 390 }, (_, i) => [`large-annotation-${i}`, long]),
    );
    return kind.image({ tag: "large-manifest", fields: { annotations } });
  },
  "index": (kind) => kind.platforms("index"),
  "nested-index": async (kind) => {
    const inner = [await kind.platforms(), await kind.platforms()];
    kind.index(inner, "index-of-index");
  },
  "empty-index": (kind) => void kind.index([], "index"),
  "artifact": (kind) => kind.artifact({ tag: "artifact" }),
  "artifact-index": async (kind) => {
    const manifests: Descriptor[] = [];
    for (const platform of PLATFORMS) manifests.push({ ...await kind.artifact(), platform });
    kind.index(manifests, "artifact-index", { artifactType: CONFIG_TYPE });
  },
  "artifact-without-layers": (kind) =>
    kind.artifact({ tag: "artifact-without-layers" }, kind.content(MEDIA_TYPE_OCI_EMPTY, {})),
  "artifacts-with-subject": async (kind) => {
    const subject = await kind.image({ tag: "image" });
    kind.subjects.push(subject);
    await kind.image({ fields: { subject } });
    for (const n of [1, 2]) {
      const artifactType = `${CONFIG_TYPE}.${n}`;
      const annotations = { ...HELLO, unique: `${n}` };
      const fields = { artifactType, annotations, subject };
      await kind.artifact({ tag: `tagged-artifact${n}`, fields });
    }
  },
  "index-with-subject": async (kind) => {
    const subject = await kind.platforms("index");
    kind.subjects.push(subject);
    const fields = { artifactType: CONFIG_TYPE, annotations: HELLO, subject };
    kind.index([await kind.artifact()], "tagged-artifact", fields);
  },
  "missing-subject": async (kind) => {
    const subject = kind.absent(MEDIA_TYPE_OCI_MANIFEST, 123);
    kind.subjects.push(subject);
    await kind.artifact({ tag: "tagged-artifact", fields: { annotations: HELLO, subject } });
  },
  "data-field": (kind) => kind.image({ tag: "data-field", hasData: true }),
  "non-distributable-layers": async (kind) => {
    const foreign = [kind.absent(`${FOREIGN}+gzip`, 123_456), kind.absent(FOREIGN, 12_345)]
      .map((one) => ({
        ...one,
        urls: [`https://store.example.com/blobs/sha256/${one.digest.slice(7)}`],
      }));
    const { content, diffID } = await kind.layer();
    const config = kind.store(
      kind.config("amd64", [...foreign.map(({ digest }) => digest), diffID]),
    );
    const manifest = kind.store(kind.content(MEDIA_TYPE_OCI_MANIFEST, {
      schemaVersion: 2,
      mediaType: MEDIA_TYPE_OCI_MANIFEST,
      config,
      layers: [...foreign, kind.store(content)],
    }));
    kind.roots.set("non-distributable-image", manifest);
  },
  "custom-fields": (kind) =>
    kind.platforms("custom-fields", {
      extra: { "org.example.custom": "hello", "__proto__x": [1.5, null, { a: 1e3 }] },
    }),
  "no-layers": (kind) =>
    kind.image({ tag: "no-layers", layers: [], config: kind.config("amd64", []) }),
  "sparse": async (kind) => {
    const { content, diffID } = await kind.layer();
    const gone = kind.absent(MEDIA_TYPE_OCI_LAYER_GZIP, 1234);
    const config = kind.store(kind.config("amd64", [diffID, gone.digest]));
    const manifest = kind.store(kind.content(MEDIA_TYPE_OCI_MANIFEST, {
      schemaVersion: 2,
      mediaType: MEDIA_TYPE_OCI_MANIFEST,
      config,
      layers: [kind.store(content), gone],
    }));
    kind.roots.set("sparse-image", manifest);
    const [amd64, arm64] = PLATFORMS;
    const here = await kind.image();
    kind.index([
      { ...here, ...(amd64 === undefined ? {} : { platform: amd64 }) },
      {
        ...kind.absent(MEDIA_TYPE_OCI_MANIFEST, 1024),
        ...(arm64 === undefined ? {} : { platform: arm64 }),
      },
    ], "sparse-index");
  },
  "sha512": async (kind) => {
    const index = await kind.platforms();
    kind.roots.set(index.digest, index);
  },
  "tag-param-sha256": async (kind) => {
    await kind.platforms("tag-param-sha256");
    tagAll(kind);
  },
  "tag-param-sha512": async (kind) => {
    await kind.platforms("tag-param-sha512");
    tagAll(kind);
  },
  "bad-digest-image": async (kind) => {
    const manifest = await kind.image();
    const stored = kind.contents.pop();
    assert.ok(stored !== undefined);
    const bytes = new Uint8Array([...stored.bytes, 32, 32]);
    kind.contents.push({ descriptor: manifest, bytes });
  },
  "empty-blob": (kind) =>
    kind.image({
      tag: "empty-blob",
      layers: [kind.content("application/octet-stream", new Uint8Array())],
      config: kind.content(MEDIA_TYPE_OCI_EMPTY, {}),
      fields: { artifactType: CONFIG_TYPE },
    }),
};

/** Gives every manifest a name of its own. */
function tagAll(kind: Maker): void {
  const manifests = kind.contents.map(({ descriptor }) => descriptor)
    .filter(({ mediaType }) => /image\.(?:manifest|index)\./.test(mediaType));
  for (const [i, manifest] of manifests.entries()) kind.roots.set(`${kind.name}-${i}`, manifest);
}

/** The names of the kinds, 22 of them. */
export const KIND_NAMES: readonly string[] = Object.keys(KINDS);

/** Makes the content of one kind, the same each time. */
export async function makeKind(name: string): Promise<Kind> {
  const kind = new Maker(name, name.endsWith("sha512") ? "sha512" : "sha256");
  await KINDS[name]?.(kind);
  return kind;
}

/** Pushes a kind: contents in their order, then names. */
export async function pushKind(kind: Kind, target: ContentStore & TagStore): Promise<void> {
  for (const { descriptor, bytes } of kind.contents) await target.push(descriptor, bytes);
  for (const [reference, root] of kind.roots) await target.tag(root, reference);
}

/** What names are given in. */
interface TagStore {
  tag(target: Descriptor, reference: string): Promise<void>;
}

/** Copies everything that has a name, and what refers to it. */
export async function copyKind(
  kind: Kind,
  source: Source & Partial<Referrers>,
  target: ContentStore & TagStore & Source,
): Promise<void> {
  for (const reference of kind.roots.keys()) {
    await copy(source, reference, target, { referrers: true });
  }
}

/** Reads everything of a kind from a place: it has each byte and each name. */
export async function assertHas(
  kind: Kind,
  place: Source & Partial<Referrers>,
  what: string,
): Promise<void> {
  for (const { descriptor, bytes } of kind.contents) {
    const found = await all(await place.fetch(descriptor));
    const isSame = found.byteLength === bytes.byteLength &&
      found.every((byte, i) => byte === bytes[i]);
    assert.ok(isSame, `${kind.name}, ${what}: ${descriptor.digest} is not the same`);
    assert.ok(await place.exists(descriptor), `${kind.name}, ${what}: ${descriptor.digest}`);
  }
  for (const [reference, root] of kind.roots) {
    const found = await place.resolve(reference);
    assert.equal(found.digest, root.digest, `${kind.name}, ${what}: ${reference}`);
    assert.equal(found.size, root.size);
    assert.equal(found.mediaType, root.mediaType);
  }
  for (const subject of kind.subjects) {
    const wanted = kind.contents.filter(({ bytes }) => refersTo(bytes, subject));
    const found: string[] = [];
    for await (const { digest } of place.referrers?.(subject) ?? []) found.push(digest);
    assert.deepEqual(
      found.sort(),
      wanted.map(({ descriptor }) => descriptor.digest).sort(),
      `${kind.name}, ${what}: the referrers`,
    );
  }
}

function refersTo(bytes: Bytes, subject: Descriptor): boolean {
  if (bytes[0] !== 0x7b) return false;
  const { subject: found } = JSON.parse(new TextDecoder().decode(bytes));
  return found?.digest === subject.digest;
}
