import { manifestDigest } from "../hash/manifest_digest.ts";
import type { Bytes } from "../model/bytes.ts";
import { digestAlgorithm } from "../model/digest.ts";
import { InvalidManifestError } from "../model/errors.ts";
import {
  MEDIA_TYPE_DOCKER_SCHEMA1,
  MEDIA_TYPE_DOCKER_SCHEMA1_SIGNED,
} from "../model/media_types.ts";
import type {
  ParsedSchema1,
  Schema1Layer,
  Schema1Manifest,
  Schema1Signature,
} from "../model/schema1.ts";
import { schema1Layers } from "../model/schema1_layers.ts";
import { parseSchema1 } from "../model/parse_schema1.ts";
import {
  type SignOptions,
  signSchema1,
  type VerifiedSignature,
  verifySchema1,
} from "./libtrust.ts";
import {
  DockerManifest,
  editDocument,
  type ManifestChanges,
  type ManifestPlace,
} from "./manifest.ts";
import { ManifestV1Compat } from "./manifest_v1_compat.ts";

/**
 * A manifest of version 2, schema 1. Of a signed one only the signed bytes are read: what stands
 * outside of them changes nothing here.
 */
export class ManifestV21 extends DockerManifest {
  /** Which kind it is. */
  readonly version = "v2.1" as const;
  /** The media types that this kind is served with. */
  readonly validMediaTypes: readonly string[] = [
    MEDIA_TYPE_DOCKER_SCHEMA1_SIGNED,
    MEDIA_TYPE_DOCKER_SCHEMA1,
    "application/json",
  ];
  /** The signed bytes; all of them when it is not signed. */
  readonly payload: Bytes;
  /** The layers, base first. */
  readonly layers: readonly Schema1Layer[];
  /** The history, base first: one document of version 1 for each layer. */
  readonly history: readonly ManifestV1Compat[];
  readonly #parsed: ParsedSchema1;

  /**
   * Parses a manifest. Signatures are read, not verified: see {@linkcode ManifestV21.verify}.
   *
   * @param raw At most 4 MiB.
   * @param place Where it belongs; without a tag or a repository it says so itself.
   * @throws {InvalidManifestError} when the bytes are no such manifest.
   */
  constructor(raw: Uint8Array, place: ManifestPlace = {}) {
    const parsed = parseSchema1(raw);
    const algorithm = place.digest === undefined ? "sha256" : digestAlgorithm(place.digest);
    super(parsed.raw, parsed.mediaType, manifestDigest(parsed, algorithm), {
      ...place,
      repository: place.repository ?? parsed.value.name,
      tag: place.tag ?? parsed.value.tag,
    });
    this.#parsed = parsed;
    this.payload = parsed.payload;
    this.layers = schema1Layers(parsed.value);
    this.history = this.layers.map((layer) => new ManifestV1Compat(layer, this));
  }

  /** What the signed bytes say. */
  get value(): Schema1Manifest {
    return this.#parsed.value;
  }

  /** Always 1. */
  get schemaVersion(): 1 {
    return 1;
  }

  /** The processor architecture. */
  get architecture(): string {
    return this.value.architecture;
  }

  /** The ID of the image: that of its newest layer. */
  get id(): string {
    return this.#top.id;
  }

  /** When the newest layer was made (RFC 3339); absent when it does not say. */
  get created(): string | undefined {
    return this.#top.created;
  }

  /** The signatures; they are not verified. */
  get signatures(): readonly Schema1Signature[] {
    return this.#parsed.signatures;
  }

  get #top(): ManifestV1Compat {
    const top = this.history.at(-1);
    if (top !== undefined) return top;
    throw new InvalidManifestError("Cannot read the manifest: it has no layer", {
      input: this.value.name,
    });
  }

  /**
   * Verifies the signatures, and says who signed.
   *
   * @returns The signatures; none when it is not signed.
   * @throws {SignatureError} when one of them is wrong, or of a kind that is not verified.
   */
  async signers(): Promise<VerifiedSignature[]> {
    return await verifySchema1(this.#parsed);
  }

  /**
   * Verifies the signatures and, where one is known, the digest. A signature proves the possession
   * of a key, no more: see {@linkcode ManifestV21.signers}.
   *
   * @returns `true` when it is signed and all signatures are good, `undefined` when it is not signed.
   * @throws {SignatureError} when a signature is wrong.
   * @throws {DigestMismatchError} when the signed bytes have another digest.
   */
  async verify(): Promise<true | undefined> {
    this.verifyDigest();
    return (await this.signers()).length > 0 ? true : undefined;
  }

  /**
   * Signs the document anew; signatures that it has are dropped.
   *
   * @param options The key; by default a new one for this signature alone.
   * @returns The signed manifest; its digest is the same.
   */
  async sign(options: SignOptions = {}): Promise<ManifestV21> {
    const { repository, tag } = this;
    return new ManifestV21(await signSchema1(this.payload, options), { repository, tag });
  }

  /**
   * Makes a manifest that differs from this one. Name and tag are parts of the document, so it is
   * written anew, and signed when this one is signed.
   *
   * @param changes What to change; the key, by default a new one for this signature alone.
   * @returns The new manifest.
   * @throws {InvalidManifestError} when it would be none.
   */
  async modify(changes: ManifestChanges): Promise<ManifestV21> {
    const { repository, tag, fields, ...signing } = changes;
    const edited = editDocument(this.payload, {
      ...fields,
      ...(repository === undefined ? {} : { name: repository }),
      ...(tag === undefined ? {} : { tag }),
      signatures: undefined,
    }, 3);
    const place = this.placeAfter(changes);
    const isSigned = this.signatures.length > 0;
    return new ManifestV21(isSigned ? await signSchema1(edited, signing) : edited, place);
  }
}
