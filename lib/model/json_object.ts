/** A JSON object. */
export type JSONObject = Record<string, unknown>;

/** Tells whether a value is a JSON object, not an array. */
export function isJSONObject(value: unknown): value is JSONObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
