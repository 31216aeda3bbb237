import type { Bytes } from "../model/bytes.ts";
import { DigestMismatchError } from "../model/errors.ts";
import { type JSONObject, parseJSONObject } from "../model/json_object.ts";
import { MAX_MANIFEST_BYTES } from "../model/manifest.ts";
import type { SignOptions } from "./libtrust.ts";

/** The kinds of manifests that Docker registries have served. */
export type ManifestVersion = "v1" | "v1-compat" | "v2.1" | "v2.2" | "v2.2-list";

/** Where a manifest belongs. */
export interface ManifestPlace {
  /** The name of the repository: `acme/app`. */
  readonly repository?: string | undefined;
  /** The tag. */
  readonly tag?: string | undefined;
  /** The digest under which it was found; `verify` compares. */
  readonly digest?: string | undefined;
}

/** What to change in a manifest, and how to sign it where it is signed. */
export interface ManifestChanges extends SignOptions {
  /** The name of the repository: `acme/app`. */
  readonly repository?: string | undefined;
  /** The tag. */
  readonly tag?: string | undefined;
  /** Fields of the document that get another value; `undefined` as the value removes a field. */
  readonly fields?: Readonly<Record<string, unknown>> | undefined;
}

/** A manifest of any kind: immutable, with the bytes it was read from. */
export abstract class DockerManifest {
  /** Which kind it is. */
  abstract readonly version: ManifestVersion;
  /** The media types that this kind is served with. */
  abstract readonly validMediaTypes: readonly string[];
  /** The bytes as they were received, signatures included. */
  readonly raw: Bytes;
  /** The media type. */
  readonly mediaType: string;
  /** The digest, as registries compute it. */
  readonly digest: string;
  /** The digest under which it was found. */
  protected readonly expected: string | undefined;
  readonly #place: ManifestPlace;

  /**
   * Takes over what a kind has parsed.
   *
   * @param raw The bytes.
   * @param mediaType The media type.
   * @param digest The digest.
   * @param place Where it belongs.
   * @ignore
   */
  constructor(raw: Bytes, mediaType: string, digest: string, place: ManifestPlace) {
    this.raw = raw;
    this.mediaType = mediaType;
    this.digest = digest;
    this.expected = place.digest;
    this.#place = place;
  }

  /** The name of the repository it was found in. */
  get repository(): string | undefined {
    return this.#place.repository;
  }

  /** The tag it was found by. */
  get tag(): string | undefined {
    return this.#place.tag;
  }

  /**
   * Makes a manifest that differs from this one. Where nothing in the document changes the bytes
   * stay; otherwise it is written anew, with unknown fields, and signed where this one is signed.
   *
   * @param changes What to change.
   * @returns The new manifest.
   * @throws {InvalidManifestError} when it would be none.
   */
  abstract modify(changes: ManifestChanges): Promise<DockerManifest>;

  /**
   * Verifies what there is to verify: signatures, or the digest it was found under.
   *
   * @returns `true` when it is verified, `undefined` when there is nothing to verify.
   * @throws {SignatureError} when a signature is wrong.
   * @throws {DigestMismatchError} when the bytes have another digest.
   */
  abstract verify(): Promise<true | undefined>;

  /** Compares the digest; `undefined` when there is none to compare with. */
  protected verifyDigest(): true | undefined {
    const { expected, digest: actual } = this;
    if (expected === undefined) return undefined;
    if (actual === expected) return true;
    throw new DigestMismatchError(
      `Cannot verify the manifest: it has the digest ${actual}, expected ${expected}`,
      { expected, actual },
    );
  }

  /** The place of a changed copy. */
  protected placeAfter({ repository, tag }: ManifestChanges): ManifestPlace {
    return { repository: repository ?? this.repository, tag: tag ?? this.tag };
  }
}

/** Writes a document anew with other fields; those that are `undefined` are left out. */
export function editDocument(
  raw: Bytes,
  fields: Readonly<Record<string, unknown>>,
  indent: number,
): Bytes {
  const document = parseJSONObject(raw, MAX_MANIFEST_BYTES, (reason) => {
    throw new TypeError(`Cannot modify the manifest: ${reason}`);
  });
  const edited: JSONObject = { ...document, ...fields };
  return new TextEncoder().encode(JSON.stringify(edited, null, indent));
}
