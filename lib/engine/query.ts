import { InvalidPlatformError } from "../model/errors.ts";
import { formatPlatform, type Platform } from "../model/platform.ts";
import { parsePlatform } from "../model/parse_platform.ts";

/** The parameters of a request; what is `undefined` is left out, lists repeat their key. */
export type EngineQuery = Readonly<
  Record<string, string | number | boolean | readonly string[] | undefined>
>;

/**
 * Writes the query of a request: truth as 1 and 0, lists as repeated keys, because engines do not cut
 * texts at commas.
 *
 * @param query The parameters.
 * @returns The query with its question mark; "" when there is none.
 */
export function formatQuery(query: EngineQuery): string {
  const parameters = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value === undefined) continue;
    if (typeof value === "boolean") parameters.append(key, value ? "1" : "0");
    else if (typeof value === "object") value.forEach((item) => parameters.append(key, item));
    else parameters.append(key, String(value));
  }
  const text = parameters.toString();
  return text === "" ? "" : `?${text}`;
}

/** Conditions on what is listed or removed: a value, or several of which one has to hold. */
export type EngineFilters = Readonly<
  Record<string, string | number | boolean | readonly string[] | undefined>
>;

/**
 * Writes filters as engines of every age take them.
 *
 * @param filters The conditions.
 * @returns JSON; `undefined` when there is no condition.
 */
export function formatFilters(filters: EngineFilters | undefined): string | undefined {
  const entries = Object.entries(filters ?? {}).flatMap(([key, value]) => {
    if (value === undefined) return [];
    return [[key, typeof value === "object" ? value.map(String) : [String(value)]] as const];
  });
  return entries.length === 0 ? undefined : JSON.stringify(Object.fromEntries(entries));
}

/** Takes a platform as a text or as it is. */
function platformOf(platform: Platform | string): Platform {
  return typeof platform === "string" ? parsePlatform(platform) : platform;
}

/**
 * Writes a platform for `/images/create` and `/build`: `linux/arm64/v8`.
 *
 * @param platform A platform.
 * @returns Its text; `undefined` for none.
 * @throws {InvalidPlatformError} when the text is no platform.
 */
export function platformText(platform: Platform | string | undefined): string | undefined {
  return platform === undefined ? undefined : formatPlatform(platformOf(platform));
}

/**
 * Writes a platform for every other request: the JSON of the OCI image-spec.
 *
 * @param platform A platform.
 * @returns The JSON; `undefined` for none.
 * @throws {InvalidPlatformError} when it is no platform, or has no architecture.
 */
export function platformJSON(platform: Platform | string | undefined): string | undefined {
  if (platform === undefined) return undefined;
  const { os, architecture, ...rest } = platformOf(platform);
  if (os === "" || architecture === "") {
    const input = JSON.stringify(platform);
    throw new InvalidPlatformError(
      `Cannot ask for the platform ${input}: an engine needs an operating system and an architecture`,
      { input },
    );
  }
  return JSON.stringify({ architecture, os, ...rest });
}
