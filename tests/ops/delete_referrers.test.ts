import { test } from "node:test";
import assert from "node:assert/strict";
import type { Deleter, Referrers, Target } from "../../lib/model/content.ts";
import type { Descriptor } from "../../lib/model/descriptor.ts";
import { isLadingError } from "../../lib/model/errors.ts";
import { copy, deleteReferrers, pushArtifact } from "../../lib/ops/mod.ts";
import { referrersTag, Registry } from "../../lib/registry/mod.ts";
import { memoryFileSystem, memoryStore, ociLayout } from "../../lib/store/mod.ts";
import { memoryRegistry } from "../../lib/testing/mod.ts";
import { putImage } from "./content.ts";

const SIGNATURE = "application/vnd.example.signature";
const SBOM = "application/spdx+json";

type Place = Target & Referrers & Deleter;

/** Places of all kinds that list referrers and delete. */
function places(): Record<string, Place> {
  const { host, transport } = memoryRegistry();
  const other = memoryRegistry();
  const withoutAPI = async (request: Request): Promise<Response> => {
    if (request.url.includes("/referrers/")) return new Response(null, { status: 404 });
    const response = await other.transport(request);
    const headers = new Headers(response.headers);
    headers.delete("oci-subject");
    return new Response(response.body, { status: response.status, headers });
  };
  return {
    "memory": memoryStore(),
    "an OCI layout": ociLayout(memoryFileSystem(), "/layout"),
    "a registry": new Registry(host, { transport }).repository("acme/app"),
    "a registry without the API": new Registry(other.host, { transport: withoutAPI })
      .repository("acme/app"),
  };
}

async function attach(place: Place, subject: Descriptor, artifactType: string, text: string) {
  const content = new TextEncoder().encode(text);
  return await pushArtifact(place, [{ content }], { artifactType, subject });
}

/** An image with an SBOM that is signed itself, and a signature. */
async function signed(place: Place) {
  const store = memoryStore();
  const image = await putImage(store, ["one"], { reference: "1" });
  await copy(store, "1", place);
  const sbom = await attach(place, image, SBOM, "sbom");
  const ofSBOM = await attach(place, sbom, SIGNATURE, "of the sbom");
  const signature = await attach(place, image, SIGNATURE, "of the image");
  return { image, sbom, ofSBOM, signature };
}

async function listed(place: Place, subject: Descriptor): Promise<string[]> {
  const digests: string[] = [];
  for await (const { digest } of place.referrers(subject)) digests.push(digest);
  return digests;
}

test("deleteReferrers() deletes what refers to a manifest, the outermost first", async () => {
  for (const [name, place] of Object.entries(places())) {
    const { image, sbom, ofSBOM, signature } = await signed(place);
    const deleted = (await deleteReferrers(place, image)).map(({ digest }) => digest);
    const expected = [sbom, ofSBOM, signature].map(({ digest }) => digest);
    assert.deepEqual([...deleted].sort(), expected.sort(), name);
    assert.ok(deleted.indexOf(ofSBOM.digest) < deleted.indexOf(sbom.digest), name);
    assert.deepEqual(await listed(place, image), [], name);
    for (const gone of [sbom, ofSBOM, signature]) {
      assert.equal(await place.exists(gone), false, name);
    }
    assert.equal((await place.resolve("1")).digest, image.digest, "the image stays");
    assert.deepEqual(await deleteReferrers(place, image), [], name);
    await assert.rejects(place.resolve(referrersTag(image.digest)), { code: "NOT_FOUND" });
  }
});

test("deleteReferrers() deletes the chosen types, and what refers to those", async () => {
  for (const [name, place] of Object.entries(places())) {
    const { image, sbom, ofSBOM, signature } = await signed(place);
    const deleted = await deleteReferrers(place, image, { artifactTypes: [SBOM] });
    assert.deepEqual(deleted.map(({ digest }) => digest), [ofSBOM.digest, sbom.digest], name);
    assert.deepEqual(await listed(place, image), [signature.digest], name);
  }
});

test("deleteReferrers() ends where referrers lead in a circle, and spares the subject", async () => {
  const digest = (digit: string) => `sha256:${digit.repeat(64)}`;
  const [subject, other] = ["1", "2"].map((digit) => ({
    mediaType: "application/vnd.oci.image.manifest.v1+json",
    digest: digest(digit),
    size: 1,
  }));
  assert.ok(subject !== undefined && other !== undefined);
  const deleted: string[] = [];
  const place = {
    async *referrers({ digest }: Descriptor) {
      await Promise.resolve();
      yield digest === subject.digest ? other : subject;
      yield other;
    },
    delete: ({ digest }: Descriptor) => {
      deleted.push(digest);
      return Promise.resolve();
    },
  };
  await deleteReferrers(place, subject);
  assert.deepEqual(deleted, [other.digest]);
});

test("deleteReferrers() deletes nothing when there is no end of them, or the signal has aborted", async () => {
  const place = {
    async *referrers() {
      for (let at = 0;; at++) {
        await Promise.resolve();
        const digest = `sha256:${at.toString(16).padStart(64, "0")}`;
        yield { mediaType: "application/vnd.oci.image.manifest.v1+json", digest, size: 1 };
      }
    },
    delete: () => Promise.reject(new Error("nothing is to be deleted")),
  };
  const subject = { mediaType: "a/b", digest: `sha256:${"f".repeat(64)}`, size: 1 };
  await assert.rejects(
    deleteReferrers(place, subject),
    (error: unknown) => isLadingError(error) && error.code === "LIMIT_EXCEEDED",
  );
  const reason = new Error("enough");
  await assert.rejects(
    deleteReferrers(place, subject, { signal: AbortSignal.abort(reason) }),
    (error: unknown) => error === reason,
  );
});
