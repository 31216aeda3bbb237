import { isRepositoryName } from "../model/reference.ts";
import type { Transport } from "../model/transport.ts";
import { Registry } from "../registry/registry.ts";
import { registryOptions } from "../runtime/host_registry_options.ts";
import { proxyHandler } from "../server/proxy.ts";
import type { RegistryTarget } from "../server/target.ts";
import { memoryStore } from "../store/memory_store.ts";
import { type CommandContext, text, UsageError } from "./_command.ts";
import { errorText } from "./_error_text.ts";
import { openOptions } from "./_options.ts";
import { openDirectory } from "./_served.ts";
import { parseSize } from "./size.ts";

/** A mirror that is served. */
export interface Mirror {
  readonly handler: Transport;
  /** Waits until the cache has what clients did not wait for. */
  settled(): Promise<void>;
}

/** How many downloads run at a time: those of all clients. */
const CONCURRENCY = 64;

/** Clients repeat what fails, and the cache may have what they ask for: they must not wait for long. */
const RETRY = { retries: 1, maxRetryAfterMs: 1000 };

/** How much a cache in memory holds where nobody says. */
const DEFAULT_MEMORY = "1GiB";

/** The options that say how the own content is served, and what they would be taken for. */
const OWN_OPTIONS = ["allow-sparse", "repository"] as const;

/** Opens what `lading serve --upstream` serves. */
export async function openMirror(context: CommandContext, upstream: string): Promise<Mirror> {
  for (const name of OWN_OPTIONS) {
    if (context.options.has(name)) throw new UsageError(`--${name} does not go with --upstream`);
  }
  const [, host = "", prefix] = /^([^/]+)(?:\/(.+))?$/.exec(upstream) ?? [];
  if (host === "" || prefix !== undefined && !isRepositoryName(prefix)) {
    throw new UsageError(`--upstream takes REGISTRY[/PREFIX], not ${JSON.stringify(upstream)}`);
  }
  const registry = new Registry(host, {
    ...registryOptions(openOptions(context)),
    concurrency: CONCURRENCY,
    retry: RETRY,
  });
  const cache = await openCache(context);
  const works = new Set<Promise<unknown>>();
  const handler = proxyHandler(
    (name) => registry.repository(prefix === undefined ? name : `${prefix}/${name}`),
    cache,
    {
      ...(prefix === undefined ? { catalog: (options) => registry.catalog(options) } : {}),
      waitUntil(work) {
        works.add(work);
        void work.then(() => works.delete(work));
      },
      onEvent(event) {
        if (event.type !== "stale") return;
        const { repository, tag, descriptor } = event;
        context.output.note(`${repository}:${tag} is ${descriptor.digest}, as it was before`);
      },
      onError: (error, { method, url }) =>
        context.output.fail(`${method} ${new URL(url).pathname}: ${errorText(error)}`),
    },
  );
  return { handler, settled: async () => void await Promise.all(works) };
}

async function openCache(context: CommandContext): Promise<RegistryTarget> {
  const [place] = context.args;
  const memory = text(context, "memory");
  if (place !== undefined) {
    if (memory !== undefined) throw new UsageError("--memory is for a cache without a place");
    return (await openDirectory(place)).target;
  }
  const maxBytes = parseSize(memory ?? DEFAULT_MEMORY);
  if (maxBytes !== undefined) return memoryStore({ maxBytes });
  throw new UsageError(
    `--memory takes a size such as 500MB or 2GiB, not ${JSON.stringify(memory)}`,
  );
}

/**
 * Refuses what only a mirror has: who gives credentials may mean to have them asked of clients, and
 * memory that makes room would lose what was pushed.
 */
export function refuseMirrorOptions(context: CommandContext): void {
  if (text(context, "creds") !== undefined) {
    throw new UsageError("--creds is for --upstream; lading serve lets everybody in");
  }
  if (text(context, "memory") !== undefined) throw new UsageError("--memory is for --upstream");
}
