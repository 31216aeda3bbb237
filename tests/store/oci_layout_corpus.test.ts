import { test } from "node:test";
import assert from "node:assert/strict";
import { InvalidReferenceError, NotFoundError, SizeMismatchError } from "../../lib/model/errors.ts";
import { ociLayout } from "../../lib/store/mod.ts";
import { corpusJSON, corpusList } from "../support/corpus.ts";
import { corpusInMemory, fetched } from "./content.ts";

interface ExpectedBlob {
  readonly digest: string;
  readonly mediaType: string;
  readonly size: number;
  /** `ok`, `missing`, or `size is N`. */
  readonly blob?: string;
  readonly annotations?: Record<string, string>;
  readonly manifests?: readonly ExpectedBlob[];
  readonly config?: ExpectedBlob;
  readonly layers?: readonly ExpectedBlob[];
}

interface ExpectedLayout {
  readonly layout: string;
  readonly manifests: readonly ExpectedBlob[];
  readonly skopeoInspectRaw: Record<string, string>;
}

/** Listed, but its files are not part of the corpus. */
const NOT_IN_CORPUS = ["made-by-umoci-skopeo/skopeo-oci-uncompressed"];

async function layouts(): Promise<ExpectedLayout[]> {
  const { ociLayouts } = await corpusJSON<{ ociLayouts: ExpectedLayout[] }>("expected/images.json");
  const folders = [...new Set(ociLayouts.map(({ layout }) => layout.split("/")[0] ?? ""))];
  const files = (await Promise.all(folders.map(corpusList))).flat();
  const isThere = ({ layout }: ExpectedLayout) => files.includes(`${layout}/index.json`);
  const absent = ociLayouts.filter((expected) => !isThere(expected)).map(({ layout }) => layout);
  assert.deepEqual(absent, NOT_IN_CORPUS);
  return ociLayouts.filter(isThere);
}

function* flat(blobs: readonly ExpectedBlob[]): Generator<ExpectedBlob> {
  for (const blob of blobs) {
    yield blob;
    yield* flat(blob.manifests ?? []);
    yield* flat(blob.config === undefined ? [] : [blob.config]);
    yield* flat(blob.layers ?? []);
  }
}

test("ociLayout() lists the roots of every layout of the corpus", async () => {
  for (const { layout: folder, manifests } of await layouts()) {
    const layout = ociLayout(await corpusInMemory(folder), "layout");
    const found: unknown[] = [];
    for await (const { descriptor, reference } of layout.roots()) {
      const { mediaType, digest, size } = descriptor;
      found.push([mediaType, digest, size, reference]);
    }
    const expected = manifests.map(({ mediaType, digest, size, annotations }) => {
      return [mediaType, digest, size, annotations?.["org.opencontainers.image.ref.name"]];
    });
    assert.deepEqual(found, expected, folder);
  }
});

test("ociLayout() resolves the names of the corpus as skopeo does, or refuses ambiguous ones", async () => {
  let names = 0;
  for (const { layout: folder, skopeoInspectRaw, manifests } of await layouts()) {
    const layout = ociLayout(await corpusInMemory(folder), "layout");
    for (const [name, digest] of Object.entries(skopeoInspectRaw)) {
      const reference = name === "(no name)" ? "" : name;
      if (folder.endsWith("delete_image_two_identical_references")) {
        await assert.rejects(layout.resolve(reference), InvalidReferenceError);
        continue;
      }
      const found = await layout.resolve(reference);
      // skopeo looks into the blob, or knows fewer media types; a name is found all the same.
      const expected = digest.startsWith("error")
        ? manifests.find(({ annotations }) => {
          return annotations?.["org.opencontainers.image.ref.name"] === (reference || undefined);
        })?.digest
        : digest;
      assert.equal(found.digest, expected, `${folder} ${name}`);
      names++;
    }
  }
  assert.equal(names, 25);
});

test("ociLayout() reads every blob of the corpus, and tells which are missing or damaged", async () => {
  const counts: Record<string, number> = {};
  for (const { layout: folder, manifests } of await layouts()) {
    const layout = ociLayout(await corpusInMemory(folder), "layout");
    const sizes = new Map<string, number>();
    for (const expected of flat(manifests)) {
      const { digest, size, mediaType, blob = "seen above" } = expected;
      const descriptor = { mediaType, digest, size };
      const message = `${folder} ${digest} ${blob}`;
      if (blob === "missing") {
        await assert.rejects(layout.fetch(descriptor), NotFoundError, message);
      } else if (blob.startsWith("size is") || size !== (sizes.get(digest) ?? size)) {
        await assert.rejects(layout.fetch(descriptor), SizeMismatchError, message);
        assert.equal(await layout.exists(descriptor), false);
      } else {
        assert.equal((await fetched(layout, descriptor)).byteLength, size, message);
        assert.equal(await layout.exists(descriptor), true, message);
      }
      if (blob === "ok") sizes.set(digest, size);
      counts[blob] = (counts[blob] ?? 0) + 1;
    }
  }
  assert.equal(counts["missing"], 2);
  assert.equal(counts["size is 740"], 1);
  assert.ok((counts["ok"] ?? 0) > 50, JSON.stringify(counts));
});

test("ociLayout() resolves every manifest of the corpus by its digest, nested ones too", async () => {
  for (const { layout: folder, manifests } of await layouts()) {
    const layout = ociLayout(await corpusInMemory(folder), "layout");
    for (const blob of flat(manifests)) {
      if (blob.manifests === undefined && blob.config === undefined) continue;
      const { mediaType, digest, size } = await layout.resolve(blob.digest);
      const expected = [blob.mediaType, blob.digest, blob.size];
      assert.deepEqual([mediaType, digest, size], expected, `${folder} ${blob.digest}`);
    }
  }
});
