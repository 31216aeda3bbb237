import { test } from "node:test";
import assert from "node:assert/strict";
import {
  childDescriptors,
  guessManifestType,
  InvalidManifestError,
  MEDIA_TYPE_DOCKER_MANIFEST,
  MEDIA_TYPE_DOCKER_SCHEMA1,
  MEDIA_TYPE_OCI_ARTIFACT_MANIFEST,
  MEDIA_TYPE_OCI_INDEX,
  MEDIA_TYPE_OCI_MANIFEST,
  parseImageIndex,
  parseImageManifest,
  parseManifest,
  schema1Layers,
} from "../../lib/model/mod.ts";
import { checkKind, kindOfType } from "../../lib/model/_manifest_kind.ts";
import type { JSONObject } from "../../lib/model/json_object.ts";
import { digestBytes, manifestDigest } from "../../lib/hash/mod.ts";
import { corpusBytes, corpusJSON } from "../support/corpus.ts";

interface TypesTable {
  guess: { file: string; guessedMediaType: string; digest: string | null }[];
  allowedFields: { type: string; allowed: string[]; refused: string[] }[];
  containerd: { declared: string; document: string; ok: boolean }[];
}

interface ImagesTable {
  ociLayouts: { layout: string; manifests: ExpectedManifest[] }[];
}

interface ExpectedDescriptor {
  mediaType: string;
  digest: string;
  size: number;
}

interface ExpectedManifest extends ExpectedDescriptor {
  seenAbove?: boolean;
  blob?: string;
  manifests?: ExpectedManifest[];
  config?: ExpectedDescriptor;
  layers?: ExpectedDescriptor[];
}

const TYPES = "tables/manifest-types.json";
const DIGEST = `sha256:${"a".repeat(64)}`;
const DESCRIPTOR = { mediaType: "application/octet-stream", digest: DIGEST, size: 1 };

/** What a document of each field needs in it to be well-formed. */
const FIELD_VALUES: Readonly<Record<string, unknown>> = {
  config: DESCRIPTOR,
  layers: [DESCRIPTOR],
  manifests: [DESCRIPTOR],
  fsLayers: [{ blobSum: DIGEST }],
  history: [{ v1Compatibility: "{}" }],
};

/** Files that are no manifests, with the reason; all others of the guess table parse. */
const UNPARSED: ReadonlyMap<string, RegExp> = new Map([
  ["v2s1-invalid-signatures.manifest.json", /signatures are no list/],
  ["unknown-version.manifest.json", /unknown type/],
  ["non-json.manifest.json", /not UTF-8/],
  // Their config has a digest of 63 digits.
  ["ociv1.artifact.json", /config\.digest: not a digest/],
  ["ociv1nomime.artifact.json", /config\.digest: not a digest/],
]);

function encode(value: unknown): Uint8Array {
  return new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));
}

function manifest(more: object = {}): Record<string, unknown> {
  return { schemaVersion: 2, config: DESCRIPTOR, layers: [DESCRIPTOR], ...more };
}

test("guessManifestType() and manifestDigest() agree with containers/image", async () => {
  const { guess } = await corpusJSON<TypesTable>(TYPES);
  for (const row of guess) {
    const raw = await corpusBytes(row.file);
    assert.equal(guessManifestType(raw) ?? "", row.guessedMediaType, row.file);
    const reason = UNPARSED.get(row.file.slice(row.file.lastIndexOf("/") + 1));
    if (reason !== undefined) {
      assert.throws(() => parseManifest(raw), reason, row.file);
      continue;
    }
    const parsed = parseManifest(raw);
    assert.equal(parsed.mediaType, row.guessedMediaType, row.file);
    assert.equal(manifestDigest(parsed), row.digest, row.file);
  }
});

test("parseManifest() refuses the fields of another type (CVE-2021-41190)", async () => {
  const { allowedFields } = await corpusJSON<TypesTable>(TYPES);
  for (const { type, allowed, refused } of allowedFields) {
    const isSchema1 = allowed.includes("fsLayers");
    const document: Record<string, unknown> = isSchema1
      ? { schemaVersion: 1, name: "a", tag: "b", architecture: "amd64" }
      : { schemaVersion: 2, mediaType: type };
    for (const field of allowed) document[field] = FIELD_VALUES[field];
    assert.equal(parseManifest(encode(document), type).mediaType, type);
    assert.equal(parseManifest(encode(document)).mediaType, type);
    for (const field of refused) {
      const ambiguous = encode({ ...document, [field]: FIELD_VALUES[field] });
      assert.throws(() => parseManifest(ambiguous, type), InvalidManifestError, `${type} ${field}`);
      assert.throws(() => parseManifest(ambiguous), InvalidManifestError, `${type} ${field}`);
    }
  }
});

test("the kind of a manifest is judged as containerd does", async () => {
  const { containerd } = await corpusJSON<TypesTable>(TYPES);
  for (const row of containerd) {
    const judge = (): void =>
      checkKind(JSON.parse(row.document) as JSONObject, kindOfType(row.declared), (reason) => {
        throw new InvalidManifestError(reason, { input: row.document });
      });
    if (row.ok) {
      judge();
      continue;
    }
    assert.throws(judge, InvalidManifestError, `${row.declared} ${row.document}`);
    const raw = encode(row.document);
    assert.throws(() => parseManifest(raw, row.declared), InvalidManifestError, row.document);
  }
});

test("every manifest of the OCI layouts parses to its descriptors", async () => {
  const { ociLayouts } = await corpusJSON<ImagesTable>("expected/images.json");
  const descriptors = (list: readonly ExpectedDescriptor[] = []): unknown[] =>
    list.map(({ mediaType, digest, size }) => ({ mediaType, digest, size }));
  let count = 0;
  const check = async (layout: string, expected: ExpectedManifest): Promise<void> => {
    if (expected.blob !== "ok") return;
    const hasBody = expected.manifests ?? expected.layers;
    if (hasBody === undefined) return;
    const path = `${layout}/blobs/${expected.digest.replace(":", "/")}`;
    const raw = await corpusBytes(path);
    const parsed = parseManifest(raw, expected.mediaType);
    assert.equal(manifestDigest(parsed), expected.digest, path);
    const children = expected.manifests ??
      [...(expected.config === undefined ? [] : [expected.config]), ...expected.layers ?? []];
    assert.deepEqual(descriptors(childDescriptors(parsed)), descriptors(children), path);
    count++;
    for (const child of expected.manifests ?? []) await check(layout, child);
  };
  // The table lists one layout whose files are not part of the corpus.
  const files = await corpusJSON<{ file: string }[]>("manifest.json");
  const isThere = (layout: string): boolean =>
    files.some(({ file }) => file.startsWith(`${layout}/`));
  for (const { layout, manifests } of ociLayouts.filter(({ layout }) => isThere(layout))) {
    for (const expected of manifests) await check(layout, expected);
  }
  assert.ok(count > 20, `${count} manifests`);
});

test("every manifest of containers/image parses", async () => {
  const unreadable =
    /invalid-signatures|unknown-version|non-json|artifact\.json|by-docker|schema1-to-(?:oci1|schema2)\.json/;
  const kinds = { image: 0, index: 0, artifact: 0, schema1: 0 };
  const files = await corpusJSON<{ file: string }[]>("manifest.json");
  const paths = files.map(({ file }) => file).filter((path) =>
    /^containers-image\/(?:internal\/image|internal\/manifest|manifest)\/.*\.json$/.test(path)
  );
  for (const path of paths) {
    if (unreadable.test(path)) continue;
    const raw = await corpusBytes(path);
    if (guessManifestType(raw) === undefined) continue;
    const parsed = parseManifest(raw);
    kinds[parsed.kind]++;
    if (parsed.kind === "schema1") assert.ok(schema1Layers(parsed.value).length > 0, path);
  }
  assert.ok(kinds.image > 10 && kinds.index > 5 && kinds.schema1 > 3, JSON.stringify(kinds));
});

test("parsed manifests keep their bytes and unknown fields", () => {
  const text = ` {"x-top": {"a": [1, null]}, "schemaVersion" : 2, "config": ${
    JSON.stringify({ ...DESCRIPTOR, "x-d": 1.5 })
  }, "layers": []}\n`;
  const raw = encode(text);
  const parsed = parseImageManifest(raw);
  assert.equal(new TextDecoder().decode(parsed.raw), text);
  const value = parsed.value as unknown as Record<string, Record<string, unknown>>;
  assert.deepEqual(value["x-top"], { a: [1, null] });
  assert.equal(value["config"]?.["x-d"], 1.5);
});

test("null, as Go writes it, reads as absent", () => {
  const document = manifest({
    annotations: null,
    subject: null,
    layers: [{ ...DESCRIPTOR, urls: null, platform: null, annotations: null }],
    unknown: null,
  });
  const { value } = parseImageManifest(encode(document));
  assert.equal("annotations" in value, false);
  assert.equal("subject" in value, false);
  assert.deepEqual(value.layers, [DESCRIPTOR]);
  assert.equal((value as unknown as Record<string, unknown>)["unknown"], null);
});

test("the announced type has to be of the kind of the document", () => {
  const raw = encode(manifest({ mediaType: MEDIA_TYPE_OCI_MANIFEST }));
  for (const type of [undefined, "", "application/json", "text/plain; charset=utf-8"]) {
    assert.equal(parseManifest(raw, type).mediaType, MEDIA_TYPE_OCI_MANIFEST, type);
  }
  const decorated = `${MEDIA_TYPE_OCI_MANIFEST.toUpperCase()} ; charset=utf-8`;
  assert.equal(parseManifest(raw, decorated).mediaType, MEDIA_TYPE_OCI_MANIFEST);
  for (const type of [MEDIA_TYPE_DOCKER_MANIFEST, "application/x-unknown"]) {
    assert.equal(parseManifest(raw, type).mediaType, MEDIA_TYPE_OCI_MANIFEST, type);
  }
  for (const type of [MEDIA_TYPE_OCI_INDEX, MEDIA_TYPE_DOCKER_SCHEMA1]) {
    assert.throws(() => parseManifest(raw, type), /announced as/, type);
  }
  const bare = encode(manifest());
  assert.equal(
    parseManifest(bare, MEDIA_TYPE_DOCKER_MANIFEST).mediaType,
    MEDIA_TYPE_DOCKER_MANIFEST,
  );
  assert.throws(() => parseManifest(bare, MEDIA_TYPE_OCI_INDEX), InvalidManifestError);
  assert.throws(() => parseImageIndex(bare), InvalidManifestError);
});

test("documents of unknown types are read by their shape", () => {
  const type = "application/vnd.example.manifest+json";
  const parsed = parseManifest(encode(manifest({ mediaType: type })), type);
  assert.equal(parsed.kind, "image");
  assert.equal(parsed.mediaType, type);
  assert.equal(childDescriptors(parsed).length, 2);
  const index = parseManifest(encode({ schemaVersion: 2, manifests: [DESCRIPTOR] }), type);
  assert.equal(index.kind, "index");
  assert.throws(() => parseManifest(encode({ schemaVersion: 2 }), type), InvalidManifestError);
});

test("the withdrawn artifact manifest can be read", () => {
  const document = {
    mediaType: MEDIA_TYPE_OCI_ARTIFACT_MANIFEST,
    artifactType: "application/x-test",
    blobs: [DESCRIPTOR],
  };
  const parsed = parseManifest(encode(document));
  assert.equal(parsed.kind, "artifact");
  assert.deepEqual(childDescriptors(parsed), [DESCRIPTOR]);
  assert.equal(manifestDigest(parsed), digestBytes("sha256", encode(document)));
});
