import { digestContent } from "../hash/digest_content.ts";
import type { CallOptions } from "../model/content.ts";
import { InvalidReferenceError } from "../model/errors.ts";
import { DEFAULT_REGISTRY, isRepositoryName } from "../model/reference.ts";
import { discard } from "./_answer.ts";
import { createClient } from "./_create_client.ts";
import { systemClock } from "./clock.ts";
import { endpointOf } from "./endpoint.ts";
import { answerError, notARegistry } from "./errors.ts";
import { Lanes } from "./lanes.ts";
import { readPages, textsOf } from "./pages.ts";
import { type ListOptions, pageSizeOf, Repository } from "./repository.ts";
import type { RegistryOptions } from "./registry_options.ts";
import type { Client } from "./request.ts";

/** How many transfers run at a time: workerd allows six connections in all. */
const CONCURRENCY = 4;

/** Options of {@linkcode Registry.authenticate}. */
export interface AuthenticateOptions extends CallOptions {
  /**
   * The scopes that a token is asked for, such as `repository:library/alpine:pull`; default none. A
   * token server may give fewer rights, which shows when they are used.
   */
  readonly scopes?: readonly string[] | undefined;
}

/**
 * A registry: the way to its repositories. It holds no connection and needs no closing; tokens,
 * pauses that the registry asked for and the number of requests under way are shared by all its
 * repositories.
 *
 * @example Which platforms does a tag have?
 * ```ts
 * import { Registry } from "@lading/lading/registry";
 * import { memoryStore } from "@lading/lading/store";
 * import { registryHandler } from "@lading/lading/server";
 *
 * const registry = new Registry("ghcr.io", { transport: registryHandler(memoryStore()) });
 * const repository = registry.repository("acme/app");
 * try {
 *   const descriptor = await repository.resolve("latest");
 *   console.log(descriptor.digest, await repository.platforms(descriptor));
 * } catch (error) {
 *   console.log(String(error)); // NotFoundError: Cannot pull "ghcr.io/acme/app:latest": …
 * }
 * ```
 */
export class Registry {
  /** The name in references: `docker.io`, `ghcr.io`, `localhost:5000`. */
  readonly name: string;
  /** Where the registry answers: `https://registry-1.docker.io`. */
  readonly origin: string;
  readonly #client: Client;

  /**
   * Sets a registry up; nothing is sent yet.
   *
   * @param host The host with an optional port; every name of Docker Hub stands for `docker.io`.
   * @param options How to reach it.
   * @throws {InvalidReferenceError} when the text is no host.
   * @throws {RangeError} when a number among the options makes no sense.
   * @throws {TypeError} when a header among the options is none.
   */
  constructor(host: string, options: RegistryOptions = {}) {
    const clock = options.clock ?? systemClock;
    const lanes = new Lanes(options.concurrency ?? CONCURRENCY, clock);
    this.#client = createClient(endpointOf(host, options.plainHTTP), options, lanes);
    const { name, origin } = this.#client.endpoint;
    this.name = name;
    this.origin = origin;
  }

  /**
   * Opens a repository; nothing is sent yet.
   *
   * @param name The name in the registry, such as `library/alpine`; on Docker Hub, `alpine` is
   * `library/alpine`.
   * @returns The repository.
   * @throws {InvalidReferenceError} when the name is none.
   */
  repository(name: string): Repository {
    if (!isRepositoryName(name)) {
      throw new InvalidReferenceError(
        `Cannot open the repository ${JSON.stringify(name.slice(0, 256))}: a name has lower-case ` +
          "letters, digits and separators, without registry and tag",
        { input: name },
      );
    }
    const isOfficial = this.name === DEFAULT_REGISTRY && !name.includes("/");
    const path = isOfficial ? `library/${name}` : name;
    return new Repository({
      client: this.#client,
      hash: digestContent,
      name: path,
      fullName: `${this.name}/${path}`,
    });
  }

  /**
   * Asks whether there is a registry, without credentials. A registry that wants some is one.
   *
   * @param options A signal.
   * @throws {NotFoundError} when the host does not know the API.
   * @throws {RegistryError} when it does not answer, or not like a registry.
   */
  async ping(options: CallOptions = {}): Promise<void> {
    await this.#hello("ping", true, options);
  }

  /**
   * Asks whether the registry takes the credentials, before anything else is done with them.
   * Registries that let everybody read may take none at all.
   *
   * @param options What the credentials are to be good for, and a signal.
   * @throws {AuthenticationError} when it refuses them.
   * @throws {RegistryError} when it does not answer, or not like a registry.
   */
  async authenticate(options: AuthenticateOptions = {}): Promise<void> {
    await this.#hello("authenticate to", false, options);
  }

  async #hello(verb: string, isBare: boolean, options: AuthenticateOptions): Promise<void> {
    const { scopes = [], signal } = options;
    const client = this.#client;
    const action = `${verb} ${JSON.stringify(this.name)}`;
    const answer = await client.send({
      action,
      method: "GET",
      url: client.url("/v2/"),
      scopes,
      lane: "metadata",
      isBare,
      signal,
    });
    const isDemand = answer.status === 401 && answer.headers.has("www-authenticate");
    if (answer.status !== 200 && !(isBare && isDemand)) {
      throw await answerError(answer, action, client.clock);
    }
    discard(answer);
    if (answer.isForeign) throw notARegistry(answer, action, "it leads to another host");
  }

  /**
   * Lists the repositories, page by page as they are asked for, each once. It is Docker's list, not
   * one of the OCI: Docker Hub, GHCR and others have none.
   *
   * @param options The size of pages, and a signal.
   * @returns The names of repositories; memory grows with their number.
   * @throws {NotFoundError} when the registry has no such list.
   * @throws {AuthenticationError} when it may not be read.
   */
  async *catalog(options: ListOptions = {}): AsyncGenerator<string, void, undefined> {
    const client = this.#client;
    const action = `list the repositories of ${JSON.stringify(this.name)}`;
    const seen = new Set<string>();
    const pages = readPages(client, {
      call: {
        action,
        url: client.url(`/v2/_catalog?n=${pageSizeOf(options)}`),
        scopes: ["registry:catalog:*"],
        headers: { accept: "application/json" },
        signal: options.signal,
      },
      isSized: true,
      entries: (raw, answer) => textsOf(raw, answer, "repositories", isRepositoryName, action),
    });
    for await (const page of pages) {
      for (const name of page) {
        if (seen.has(name)) continue;
        seen.add(name);
        yield name;
      }
    }
  }
}
