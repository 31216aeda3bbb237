import { InvalidManifestError } from "./errors.ts";
import { type Fail, parseJSON } from "./_json.ts";
import { isJSONObject, type JSONObject } from "./json_object.ts";
import { MAX_MANIFEST_BYTES } from "./manifest.ts";
import type { Schema1HistoryEntry, Schema1Layer, Schema1Manifest } from "./schema1.ts";

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
