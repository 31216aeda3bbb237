import { digestBytes } from "../hash/digest_bytes.ts";
import { manifestDigest } from "../hash/manifest_digest.ts";
import type { Bytes } from "../model/bytes.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { type DigestAlgorithm, digestAlgorithm, parseDigest } from "../model/digest.ts";
import { InvalidManifestError, NotFoundError } from "../model/errors.ts";
import { MAX_MANIFEST_BYTES } from "../model/manifest.ts";
import { isSchema1Type } from "../model/media_types.ts";
import { parseManifest } from "../model/parse_manifest.ts";
import { joinPath } from "./_files.ts";
import { checkThere, type LayoutContext, readSmall } from "./_layout_files.ts";
import { isResolvable, manifestFacts } from "./_manifest_facts.ts";

/** The manifest of the image; what has none is no image. */
export const MANIFEST = "manifest.json";

/** Says what the directory is; skopeo writes to no other one. */
export const VERSION = "version";

/** What skopeo writes to it, and wants to find. */
export const VERSION_TEXT = "Directory Transport Version: 1.1\n";

/** What the transport calls its files: blobs, manifests of an index, and signatures of both. */
const OWN_FILE_REGEXP =
  /^(?:(?:[0-9a-f]{64}|[0-9a-f]{128})(?:\.manifest\.json|\.signature-\d+)?|signature-\d+)$/;

/** The file of a blob: the hexadecimal digits of its digest. */
export function blobFile(digest: string): string {
  // Checks the grammar and the length too: nothing else may become a path (CVE-2024-3727).
  digestAlgorithm(digest);
  return parseDigest(digest).encoded;
}

/** The file of a manifest that is not that of the image. */
export function manifestFile(digest: string): string {
  return `${blobFile(digest)}.manifest.json`;
}

/** Tells whether a file is one that the transport puts beside `manifest.json` and `version`. */
export function isOwnFile(name: string): boolean {
  return OWN_FILE_REGEXP.test(name);
}

/** Tells whether a file is a signature of the image. */
export function isSignature(name: string): boolean {
  return name.startsWith("signature-");
}

/** A manifest of the directory. */
export interface DirectoryManifest {
  readonly raw: Bytes;
  readonly descriptor: Descriptor;
}

/** Reads the manifest of the image; `undefined` when there is none. */
export async function readManifest(
  context: LayoutContext,
): Promise<DirectoryManifest | undefined> {
  const raw = await readSmall(context, MANIFEST, MAX_MANIFEST_BYTES);
  if (raw === undefined) return undefined;
  const mediaType = manifestFacts(raw)?.mediaType;
  if (mediaType !== undefined) {
    const digest = digestOf(raw, { mediaType, algorithm: "sha256" });
    return { raw, descriptor: { mediaType, digest, size: raw.byteLength } };
  }
  throw new InvalidManifestError(`Cannot open ${context.place}: its ${MANIFEST} is no manifest`, {
    input: new TextDecoder().decode(raw),
  });
}

/** Reads the manifest of an image that has to be there. */
export async function readImage(context: LayoutContext): Promise<DirectoryManifest> {
  const manifest = await readManifest(context);
  if (manifest !== undefined) return manifest;
  await checkThere(context);
  throw new NotFoundError(
    `Cannot open ${context.place}: it has no ${MANIFEST}, it holds no whole image`,
  );
}

/** The digest of a manifest; that of Docker's schema 1 is over the bytes that are signed. */
function digestOf(
  raw: Bytes,
  { mediaType, algorithm }: { readonly mediaType: string; readonly algorithm: DigestAlgorithm },
): string {
  return isSchema1Type(mediaType)
    ? manifestDigest(parseManifest(raw, mediaType), algorithm)
    : digestBytes(algorithm, raw);
}

/** Finds the file of content; `undefined` when it is not there. A manifest of schema 1 is proved. */
export async function locate(
  context: LayoutContext,
  { digest, mediaType }: Pick<Descriptor, "digest" | "mediaType">,
): Promise<{ readonly path: string; readonly size: number } | undefined> {
  const names = isSchema1Type(mediaType) ? [] : [blobFile(digest), manifestFile(digest)];
  for (const name of isResolvable(mediaType) ? names.reverse() : names) {
    const path = joinPath(context.path, name);
    const info = await context.fs.stat(path, { followLinks: context.followLinks });
    if (info?.type === "file") return { path, size: info.size };
  }
  const manifest = await readSmall(context, MANIFEST, MAX_MANIFEST_BYTES);
  if (manifest === undefined) return undefined;
  const algorithm = digestAlgorithm(digest);
  if (digestOf(manifest, { mediaType, algorithm }) !== digest) return undefined;
  return { path: joinPath(context.path, MANIFEST), size: manifest.byteLength };
}
