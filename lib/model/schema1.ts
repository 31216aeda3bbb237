import type { Bytes } from "./bytes.ts";
import { InvalidManifestError } from "./errors.ts";
import { type Fail, parseJSON } from "./_json.ts";
import { isJSONObject, type JSONObject } from "./json_object.ts";
import { manifestFail, MAX_MANIFEST_BYTES, readManifest } from "./_read_manifest.ts";

/** One layer of a Docker manifest, schema 1. */
export interface Schema1LayerRef {
  /** The digest of the compressed layer. */
  readonly blobSum: string;
}

/** The history of one layer of a Docker manifest, schema 1. */
export interface Schema1HistoryEntry {
  /** A JSON document, as text. */
  readonly v1Compatibility: string;
}

/** A Docker manifest, version 2, schema 1: only read, never written. */
export interface Schema1Manifest {
  /** Always 1. */
  readonly schemaVersion: 1;
  /** The name of the repository it was made for. */
  readonly name: string;
  /** The tag it was made for. */
  readonly tag: string;
  /** The processor architecture. */
  readonly architecture: string;
  /** The layers, top first. */
  readonly fsLayers: readonly Schema1LayerRef[];
  /** The history, as many entries as layers, top first. */
  readonly history: readonly Schema1HistoryEntry[];
}

/** One signature of a manifest of schema 1: JSON Web Signature with a header of its own. */
export interface Schema1Signature {
  /** The key and the algorithm. */
  readonly header: Readonly<Record<string, unknown>>;
  /** The signature, in URL-safe base64. */
  readonly signature: string;
  /** What says which bytes are signed, in URL-safe base64. */
  readonly protected: string;
}

/** A manifest of schema 1 with the bytes it was read from. */
export interface ParsedSchema1 {
  /** What kind of document this is. */
  readonly kind: "schema1";
  /** The bytes as they were received, signatures included. */
  readonly raw: Bytes;
  /** The media type: signed or not, as the document is. */
  readonly mediaType: string;
  /** What the signed bytes say. */
  readonly value: Schema1Manifest;
  /** The bytes that are signed: the digest of the manifest is theirs. */
  readonly payload: Bytes;
  /** The signatures; none when the document is not signed. They are not verified. */
  readonly signatures: readonly Schema1Signature[];
}

/** One layer of a manifest of schema 1 with its history. */
export interface Schema1Layer {
  /** The digest of the compressed layer. */
  readonly blobSum: string;
  /** The ID of the image up to this layer. */
  readonly id: string;
  /** The ID of the image below; absent for the base. */
  readonly parent?: string;
  /** Whether this step changed no file: its blob is an empty layer. */
  readonly isThrowaway: boolean;
  /** The history entry as it was signed. */
  readonly v1Compatibility: string;
  /** The whole history entry, parsed. */
  readonly config: Readonly<Record<string, unknown>>;
}

/**
 * Parses a Docker manifest of schema 1. Of a signed document only the signed bytes are read
 * (libtrust, `formatLength` and `formatTail`); a field outside of them is refused, because other
 * readers would take it for a part of the manifest. The signatures are not verified: they prove
 * the possession of some key, and registries sign anew with their own.
 *
 * @param raw At most `MAX_MANIFEST_BYTES`.
 * @returns The value, the signed bytes and the signatures.
 * @throws {InvalidManifestError} when the bytes are no such manifest.
 */
export function parseSchema1(raw: Uint8Array): ParsedSchema1 {
  const parsed = readManifest(raw);
  return parsed.kind === "schema1" ? parsed : manifestFail(raw)("not of schema 1");
}

const ID_REGEXP = /^[a-f0-9]{64}$/;

function historyConfig(entry: Schema1HistoryEntry, fail: Fail): JSONObject {
  const raw = new TextEncoder().encode(entry.v1Compatibility);
  const config = parseJSON(raw, MAX_MANIFEST_BYTES, fail);
  return isJSONObject(config) ? config : fail("a history entry is no JSON object");
}

function layerOf(blobSum: string, entry: Schema1HistoryEntry, fail: Fail): Schema1Layer {
  const config = historyConfig(entry, fail);
  const { v1Compatibility } = entry;
  const { id, parent, throwaway } = config;
  if (typeof id !== "string" || !ID_REGEXP.test(id)) return fail("a history entry has no ID");
  const layer = { blobSum, id, isThrowaway: throwaway === true, v1Compatibility, config };
  if (parent === undefined || parent === null || parent === "") return layer;
  return typeof parent === "string" && ID_REGEXP.test(parent)
    ? { ...layer, parent }
    : fail("the parent of a history entry is no ID");
}

/**
 * Lists the layers of a manifest of schema 1, base first. Sizes and diffIDs are not in it: they
 * come from the layers themselves. Entries that repeat their neighbour, as old engines wrote them,
 * are listed once.
 *
 * @param manifest A parsed manifest.
 * @returns The layers.
 * @throws {InvalidManifestError} when the IDs do not make a chain.
 */
export function schema1Layers(manifest: Schema1Manifest): Schema1Layer[] {
  const fail: Fail = (reason) => {
    throw new InvalidManifestError(`Cannot list the layers of a manifest of schema 1: ${reason}`, {
      input: manifest.name,
    });
  };
  const layers: Schema1Layer[] = [];
  const seen = new Set<string>();
  for (const [index, { blobSum }] of manifest.fsLayers.entries()) {
    const entry = manifest.history[index];
    if (entry === undefined) return fail("more layers than history entries");
    const layer = layerOf(blobSum, entry, fail);
    const above = layers.at(-1);
    if (above?.id === layer.id) continue;
    if (seen.has(layer.id)) fail(`the ID ${layer.id} appears twice`);
    if (above !== undefined && above.parent !== layer.id) {
      fail(`the parent of ${above.id} is not the layer below it`);
    }
    seen.add(layer.id);
    layers.push(layer);
  }
  if (manifest.history.length !== manifest.fsLayers.length) {
    fail("more history entries than layers");
  }
  if (layers.at(-1)?.parent !== undefined) fail("the base layer has a parent");
  return layers.reverse();
}
