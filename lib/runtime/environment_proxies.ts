import { detectRuntime, type RuntimeName } from "./detect.ts";
import { readVariable } from "./_helper_process.ts";
import { isDirect } from "./_no_proxy.ts";

type Environment = Readonly<Record<string, string | undefined>>;

interface Host {
  readonly process?: { readonly env: Environment; readonly execArgv: readonly string[] };
  readonly Deno?: {
    readonly permissions: {
      querySync(descriptor: { name: "env"; variable: string }): { readonly state: string };
    };
  };
}

/** Variables that name a proxy, in upper and in lower case. */
const PROXY_VARIABLES = ["http_proxy", "https_proxy", "all_proxy"].flatMap((name) => [
  name,
  name.toUpperCase(),
]);

/** The proxies for either scheme. */
export interface Proxies {
  /** The one for http. */
  readonly http: string | undefined;
  /** The one for https. */
  readonly https: string | undefined;
}

/** What Node was told to use; a variable that says so would be passed on to programs that it starts. */
let told: Proxies | undefined;

/**
 * Notes that Node was told to use proxies.
 *
 * @param proxies Those that it uses.
 */
export function noteProxies(proxies: Proxies): void {
  told = proxies;
}

/**
 * Finds the proxies that the environment names; those without a scheme, as curl and Go take them, are
 * of http.
 *
 * @param hasCommon Whether `all_proxy` stands for the one that is not named.
 * @returns The proxies, with their schemes.
 */
export function namedProxies(hasCommon: boolean): Proxies {
  const named = (name: string): string | undefined => {
    const proxy = readEither(name);
    return proxy === undefined || proxy.includes("://") ? proxy : `http://${proxy}`;
  };
  const common = hasCommon ? named("all_proxy") : undefined;
  return { http: named("http_proxy") ?? common, https: named("https_proxy") ?? common };
}

/**
 * Finds the proxy for a request.
 *
 * @param url Where the request goes.
 * @returns The proxy; `undefined` when it goes there directly.
 */
export function proxyFor(url: URL): string | undefined {
  // Deno and Bun have their requests follow the one that is common to all.
  const proxies = told ?? namedProxies(detectRuntime() !== "node");
  const proxy = url.protocol === "http:" ? proxies.http : proxies.https;
  return proxy === undefined || goesDirectly(url) ? undefined : proxy;
}

/**
 * Tells whether requests to a server go to no proxy, whatever the environment names.
 *
 * @param url Where the request goes.
 * @returns Whether it is on loopback, or `no_proxy` names it.
 */
export function goesDirectly(url: URL): boolean {
  return isDirect(url, readEither("no_proxy") ?? "");
}

/** Reads a variable in lower or in upper case; nothing where Deno would have to ask for it. */
function readEither(name: string): string | undefined {
  return [name, name.toUpperCase()].filter(isReadable).map(readVariable)
    .find((value) => value !== undefined);
}

/** Tells whether a variable may be read; Deno alone has some that may not. */
function isReadable(variable: string): boolean {
  const { Deno } = globalThis as Host;
  return (Deno?.permissions.querySync({ name: "env", variable }).state ?? "granted") === "granted";
}

/**
 * Tells whether the `fetch` of this runtime goes, or may go, through proxies that its environment
 * names: Deno and Bun take them always, Node 24 where it is told to. Deno knows its variables
 * also where the program may not read them; then it may.
 *
 * @param runtime The runtime.
 * @returns Whether only `fetch` reaches what it has to.
 */
export function usesEnvironmentProxies(runtime: RuntimeName): boolean {
  const { process } = globalThis as Host;
  if (process === undefined) return true;
  if (runtime === "node") return told !== undefined || isNodeToldTo(process.env, process.execArgv);
  return PROXY_VARIABLES.some((variable) =>
    !isReadable(variable) || (process.env[variable] ?? "") !== ""
  );
}

function isNodeToldTo(env: Environment, execArgv: readonly string[]): boolean {
  if (env["NODE_USE_ENV_PROXY"] === "1") return true;
  const options = [...execArgv, ...(env["NODE_OPTIONS"] ?? "").split(" ")];
  return options.includes("--use-env-proxy");
}
