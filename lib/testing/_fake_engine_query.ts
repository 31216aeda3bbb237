import { isJSONObject } from "../model/json_object.ts";
import { Refusal } from "./_fake_engine_refusal.ts";

/** Reads a parameter as engines read truth: everything but five words is true. */
export function isTrue(query: URLSearchParams, key: string, otherwise = false): boolean {
  const value = query.get(key);
  if (value === null) return otherwise;
  return !["", "0", "no", "false", "none"].includes(value.trim().toLowerCase());
}

/** Conditions by their names. */
export type Filters = ReadonlyMap<string, readonly string[]>;

/** Reads the parameter `filters`: lists, or objects whose keys are the values. */
export function readFilters(query: URLSearchParams, allowed: readonly string[]): Filters {
  const text = query.get("filters") ?? "";
  const filters = new Map<string, readonly string[]>();
  if (text === "") return filters;
  for (const [name, value] of Object.entries(parseObject(text))) {
    if (!Array.isArray(value) && !isJSONObject(value)) {
      throw new Refusal(
        500,
        `json: cannot unmarshal ${typeof value} into Go value of type map[string]bool`,
      );
    }
    if (!allowed.includes(name)) throw new Refusal(400, `Invalid filter '${name}'`);
    filters.set(name, Array.isArray(value) ? value.map(String) : Object.keys(value));
  }
  return filters;
}

/** Reads a filter that is true or false. */
export function truthFilter(filters: Filters, name: string, otherwise: boolean): boolean {
  const values = filters.get(name);
  if (values === undefined) return otherwise;
  if (values.every((value) => value === "1" || value === "true")) return true;
  if (values.every((value) => value === "0" || value === "false")) return false;
  throw new Refusal(400, `Invalid filter '${name}=[${values.join(" ")}]'`);
}

/** Tells whether labels have all that a filter wants: names, or names with values. */
export function hasLabels(
  labels: Readonly<Record<string, string>>,
  wanted: readonly string[],
): boolean {
  return wanted.every((text) => {
    const at = text.indexOf("=");
    const name = at < 0 ? text : text.slice(0, at);
    return Object.hasOwn(labels, name) && (at < 0 || labels[name] === text.slice(at + 1));
  });
}

/** Reads a JSON object of a parameter or a body. */
export function parseObject(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    const [first = ""] = text.trim();
    throw new Refusal(
      500,
      first === "" ? "EOF" : `invalid character '${first}' looking for beginning of value`,
    );
  }
  if (isJSONObject(value)) return value;
  throw new Refusal(500, "json: cannot unmarshal into Go value of type map");
}
