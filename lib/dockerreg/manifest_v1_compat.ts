import type { Schema1Layer } from "../model/schema1.ts";
import type { ManifestPlace } from "./manifest.ts";
import { ManifestV1 } from "./manifest_v1.ts";

/** The document of version 1 in the history of a manifest of schema 1: one layer of it. */
export class ManifestV1Compat extends ManifestV1 {
  /** Which kind it is. */
  override readonly version = "v1-compat" as const;
  /** The digest of the compressed layer. */
  readonly blobSum: string;
  /** Whether this step changed no file: its blob is an empty layer. */
  readonly isThrowaway: boolean;

  /**
   * Takes a layer of a manifest.
   *
   * @param layer The layer.
   * @param place Where the manifest belongs.
   * @throws {InvalidConfigError} when its history is no such document.
   */
  constructor(layer: Schema1Layer, place: ManifestPlace = {}) {
    const { repository, tag } = place;
    super(new TextEncoder().encode(layer.v1Compatibility), { repository, tag });
    this.blobSum = layer.blobSum;
    this.isThrowaway = layer.isThrowaway;
  }
}
