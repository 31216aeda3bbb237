import { type Fail, parseJSON } from "./_json.ts";

/** A JSON object. */
export type JSONObject = Record<string, unknown>;

/** Tells whether a value is a JSON object, not an array. */
export function isJSONObject(value: unknown): value is JSONObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Parses a JSON document that has to be an object, strictly: valid UTF-8, at most `maxBytes`, not too
 * deep, and no key twice.
 *
 * @param raw The document.
 * @param maxBytes The most bytes it may have.
 * @param fail Throws the error for a reason.
 * @returns The object.
 */
export function parseJSONObject(raw: Uint8Array, maxBytes: number, fail: Fail): JSONObject {
  const value = parseJSON(raw, maxBytes, fail);
  return isJSONObject(value) ? value : fail("not a JSON object");
}
