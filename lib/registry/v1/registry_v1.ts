import type { CallOptions } from "../../model/content.ts";
import { InvalidReferenceError, LimitExceededError } from "../../model/errors.ts";
import { isJSONObject } from "../../model/json_object.ts";
import { isRepositoryName } from "../../model/reference.ts";
import { type Answer, createClient, discard } from "../client.ts";
import { systemClock } from "../clock.ts";
import { endpointOf } from "../endpoint.ts";
import { answerError } from "../errors.ts";
import { Lanes } from "../lanes.ts";
import { MAX_PAGES } from "../pages.ts";
import type { RegistryOptions } from "../registry_options.ts";
import { RepositoryV1 } from "./repository_v1.ts";
import { basicHeader, sendToIndex, type V1Context } from "./_session.ts";
import { parseAnswer, readAnswer } from "./_v1_answer.ts";

/** How many transfers run at a time: workerd allows six connections in all. */
const CONCURRENCY = 4;

/** How many results a page of a search is asked to have: the most that the hub gave. */
const PAGE_SIZE = 100;

/** What a registry of version 1 says of itself. */
export interface V1RegistryInfo {
  /** Its version, where it says it. */
  readonly version: string | undefined;
  /** Whether it says that it needs no index; some say so wrongly. */
  readonly isStandalone: boolean | undefined;
}

/** A repository that a search has found. */
export interface V1SearchResult {
  /** The name, with its namespace. */
  readonly name: string;
  /** What it is for. */
  readonly description: string;
  /** How many users like it. */
  readonly stars: number | undefined;
  /** Whether it is one of the hub's own. */
  readonly isOfficial: boolean | undefined;
}

/**
 * A registry of version 1: an index, which knows users and gives out tokens, and hosts with images,
 * which may be the same. The password goes to the index, tokens go to the hosts that it names.
 */
export class RegistryV1 {
  /** The name in references: `localhost:5000`. */
  readonly name: string;
  /** Where the index answers: `http://localhost:5000`. */
  readonly origin: string;
  readonly #context: V1Context;

  /**
   * Sets a registry up; nothing is sent yet.
   *
   * @param host The host with an optional port.
   * @param options How to reach it; caches of tokens and their servers have no use here.
   * @throws {InvalidReferenceError} when the text is no host.
   */
  constructor(host: string, options: RegistryOptions = {}) {
    const clock = options.clock ?? systemClock;
    const lanes = new Lanes(options.concurrency ?? CONCURRENCY, clock);
    const index = createClient(endpointOf(host, options.plainHTTP), options, lanes);
    this.#context = { index, options, lanes };
    this.name = index.endpoint.name;
    this.origin = index.endpoint.origin;
  }

  /**
   * Asks whether there is a registry of version 1, without credentials. A registry that wants some is
   * one.
   *
   * @param options A signal.
   * @returns What it says of itself.
   * @throws {NotFoundError} when the host does not know the API.
   * @throws {RegistryError} when it does not answer.
   */
  async ping(options: CallOptions = {}): Promise<V1RegistryInfo> {
    const { headers } = await this.#hello("ping", true, options);
    const standalone = headers.get("x-docker-registry-standalone")?.toLowerCase();
    return {
      version: headers.get("x-docker-registry-version") ?? undefined,
      isStandalone: standalone === undefined ? undefined : standalone === "true",
    };
  }

  /**
   * Asks whether the registry takes the credentials.
   *
   * @param options A signal.
   * @throws {AuthenticationError} when it refuses them.
   * @throws {AuthorizationError} when the user is not active.
   * @throws {NotFoundError} when the host does not know the API.
   * @throws {RegistryError} when it does not answer.
   */
  async authenticate(options: CallOptions = {}): Promise<void> {
    await this.#hello("authenticate to", false, options);
    const { signal } = options;
    const { authorization } = await basicHeader(this.#context, undefined, signal);
    if (authorization === undefined) return;
    const action = `authenticate to ${JSON.stringify(this.name)}`;
    const call = { action, method: "GET", path: "/v1/users/", lane: "metadata", signal } as const;
    const answer = await sendToIndex(this.#context, call);
    // A registry without an index knows no users.
    if (answer.status === 200 || answer.status === 404) return discard(answer);
    throw await answerError(answer, action, this.#context.index.clock);
  }

  async #hello(verb: string, isBare: boolean, { signal }: CallOptions): Promise<Answer> {
    const action = `${verb} ${JSON.stringify(this.name)}`;
    const call = { action, method: "GET", path: "/v1/_ping", lane: "metadata", signal } as const;
    const answer = await sendToIndex(this.#context, call, { isBare });
    const isDemand = answer.status === 401 && answer.headers.has("www-authenticate");
    if (answer.status !== 200 && !(isBare && isDemand)) {
      throw await answerError(answer, action, this.#context.index.clock);
    }
    discard(answer);
    return answer;
  }

  /**
   * Searches repositories, page by page as they are asked for.
   *
   * @param query What their names or descriptions hold; the empty text for all.
   * @param options A signal.
   * @returns What was found, each name once.
   * @throws {NotFoundError} when the registry has no search.
   * @throws {LimitExceededError} after 1,000 pages.
   */
  async *search(
    query: string = "",
    options: CallOptions = {},
  ): AsyncGenerator<V1SearchResult, void, undefined> {
    const action = `search ${JSON.stringify(this.name)}`;
    const { index } = this.#context;
    const { signal } = options;
    const seen = new Set<string>();
    for (let page = 1; page <= MAX_PAGES; page++) {
      const search = new URLSearchParams({ q: query, page: `${page}`, n: `${PAGE_SIZE}` });
      const path = `/v1/search?${search}`;
      const call = { action, method: "GET", path, lane: "metadata", signal } as const;
      const value = await index.repeat({ ...call, url: index.url(path) }, async () => {
        const answer = await sendToIndex(this.#context, call);
        return parseAnswer(answer, action, await readAnswer(index, action, answer, signal));
      });
      const results = isJSONObject(value) && Array.isArray(value.results) ? value.results : [];
      for (const result of results.flatMap(resultOf)) {
        if (seen.has(result.name)) continue;
        seen.add(result.name);
        yield result;
      }
      const pages = isJSONObject(value) ? value.num_pages : undefined;
      if (results.length === 0 || typeof pages !== "number" || page >= pages) return;
    }
    throw new LimitExceededError(`Cannot ${action}: there are more than ${MAX_PAGES} pages`, {
      limit: MAX_PAGES,
      unit: "pages",
    });
  }

  /**
   * Opens a repository; nothing is sent yet.
   *
   * @param name The name; one without a namespace is in `library`.
   * @returns The repository.
   * @throws {InvalidReferenceError} when the name is none.
   */
  repository(name: string): RepositoryV1 {
    if (isRepositoryName(name)) {
      return new RepositoryV1(this.#context, name.includes("/") ? name : `library/${name}`);
    }
    const input = name.slice(0, 256);
    throw new InvalidReferenceError(
      `Cannot open the repository ${
        JSON.stringify(input)
      }: a name has lower-case letters, digits ` +
        "and separators, without registry and tag",
      { input },
    );
  }
}

function resultOf(value: unknown): V1SearchResult[] {
  if (!isJSONObject(value)) return [];
  const { name, description, star_count: stars, is_official: isOfficial } = value;
  if (typeof name !== "string" || !isRepositoryName(name)) return [];
  return [{
    name,
    description: typeof description === "string" ? description : "",
    stars: typeof stars === "number" ? stars : undefined,
    isOfficial: typeof isOfficial === "boolean" ? isOfficial : undefined,
  }];
}
