// Engines leave fields out, write null for empty lists, and put placeholders where there is nothing.
import type { Descriptor } from "../model/descriptor.ts";
import { isJSONObject, type JSONObject } from "../model/json_object.ts";

/** A text; "" when there is none. */
export function textField(object: JSONObject, name: string): string {
  const value = object[name];
  return typeof value === "string" ? value : "";
}

/** A number; `undefined` when there is none. */
export function numberField(object: JSONObject, name: string): number | undefined {
  const value = object[name];
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

/** The objects of a list. */
export function objectsField(object: JSONObject, name: string): readonly JSONObject[] {
  const value = object[name];
  return Array.isArray(value) ? value.filter(isJSONObject) : [];
}

/** The texts of a list, without the placeholders of images that have no name. */
export function namesField(object: JSONObject, name: string): readonly string[] {
  const value = object[name];
  if (!Array.isArray(value)) return [];
  return value.filter((item) => typeof item === "string" && !item.startsWith("<none>"));
}

/** A descriptor; `undefined` when there is none. */
export function descriptorField(object: JSONObject, name: string): Descriptor | undefined {
  const value = object[name];
  if (!isJSONObject(value) || textField(value, "digest") === "") return undefined;
  return {
    mediaType: textField(value, "mediaType"),
    digest: textField(value, "digest"),
    size: numberField(value, "size") ?? 0,
  };
}

/** Texts by their names. */
export function labelsField(object: JSONObject, name: string): Readonly<Record<string, string>> {
  const value = object[name];
  if (!isJSONObject(value)) return {};
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, string] =>
      typeof entry[1] === "string"
    ),
  );
}

/** The year 1, which is Go's time of nothing, in seconds. */
const GO_ZERO_SECONDS = -62135596800;

/** A time, as seconds or as text; `undefined` when the image has none. */
export function timeField(object: JSONObject, name: string): Date | undefined {
  const value = object[name];
  if (typeof value === "number") {
    return value === GO_ZERO_SECONDS ? undefined : new Date(value * 1000);
  }
  if (typeof value !== "string" || value === "" || value.startsWith("0001-01-01")) return undefined;
  // Browsers take three digits of a second, Go writes nine.
  const time = new Date(value.replace(/(\.\d{3})\d+/, "$1"));
  return Number.isNaN(time.getTime()) ? undefined : time;
}

/** The first digits of an ID, as `docker images` shows them. */
export function shortIDOf(id: string): string {
  return id.slice(0, id.startsWith("sha256:") ? 19 : 12);
}
