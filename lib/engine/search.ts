import type { CallOptions } from "../model/content.ts";
import { InvalidReferenceError } from "../model/errors.ts";
import type { JSONObject } from "../model/json_object.ts";
import type { EngineCredentials } from "./auth_header.ts";
import { numberField, textField } from "./_fields.ts";
import type { EngineClient } from "./engine_client.ts";
import { type EngineFilters, formatFilters } from "./query.ts";
import { registryAuth } from "./_registry_auth.ts";

/** Options of {@linkcode EngineImages.search}. */
export interface SearchOptions extends CallOptions {
  /** How many results at most, from 1 to 100. */
  readonly limit?: number | undefined;
  /** Conditions: `is-official`, `stars`. */
  readonly filters?: EngineFilters | undefined;
  /** Credentials for the registry that is searched. */
  readonly credentials?: EngineCredentials | undefined;
}

/** A repository that was found. */
export interface SearchResult {
  /** The name. */
  readonly name: string;
  /** What its owner says about it. */
  readonly description: string;
  /** How many people like it. */
  readonly stars: number;
  /** Whether Docker looks after it. */
  readonly isOfficial: boolean;
  /** Whether it is built from sources automatically; engines of API 1.45 and later say no. */
  readonly isAutomated: boolean;
}

/** The registry that a term names in front: as engines, by a dot, a colon or `localhost`. */
function registryOf(term: string): string {
  const slash = term.indexOf("/");
  const first = slash < 0 ? "" : term.slice(0, slash);
  return first === "localhost" || /[.:]/.test(first) ? first : "docker.io";
}

/** Searches a registry, by way of the engine. */
export async function searchImages(
  client: EngineClient,
  term: string,
  { limit, filters, credentials, signal }: SearchOptions = {},
): Promise<SearchResult[]> {
  if (typeof term !== "string") throw new TypeError(`Cannot search for ${term}: it is no text`);
  if (term.trim() === "" || /\p{Cc}/u.test(term)) {
    throw new InvalidReferenceError(
      `Cannot search for ${JSON.stringify(term)}: it is empty or has a control character`,
      { input: term },
    );
  }
  if (limit !== undefined && (!Number.isInteger(limit) || limit < 1 || limit > 100)) {
    throw new RangeError(`Cannot search for more than 100 or less than 1 results: ${limit}`);
  }
  const results = await client.list({
    action: `search for ${JSON.stringify(term)}`,
    method: "GET",
    path: "/images/search",
    query: { term, limit, filters: formatFilters(filters) },
    headers: await registryAuth(client, {
      at: { registry: registryOf(term) },
      credentials,
      signal,
    }),
    signal,
  });
  return results.map(resultOf);
}

/** Reads a result; podman has fields of its own, and an "[OK]" for what is true. */
function resultOf(result: JSONObject): SearchResult {
  return {
    name: textField(result, "name") || textField(result, "Name"),
    description: textField(result, "description") || textField(result, "Description"),
    stars: numberField(result, "star_count") ?? numberField(result, "Stars") ?? 0,
    isOfficial: result["is_official"] === true || textField(result, "Official") !== "",
    isAutomated: result["is_automated"] === true || textField(result, "Automated") !== "",
  };
}
