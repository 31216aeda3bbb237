import type { RuntimeName } from "./detect.ts";

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

/**
 * Tells whether the `fetch` of this runtime goes, or may go, through proxies that its environment
 * names: Deno and Bun take them always, Node 24 where it is told to. Deno knows its variables
 * also where the program may not read them; then it may.
 *
 * @param runtime The runtime.
 * @returns Whether only `fetch` reaches what it has to.
 */
export function usesEnvironmentProxies(runtime: RuntimeName): boolean {
  const { process, Deno } = globalThis as Host;
  if (process === undefined) return true;
  if (runtime === "node") return isNodeToldTo(process.env, process.execArgv);
  return PROXY_VARIABLES.some((variable) => {
    const state = Deno?.permissions.querySync({ name: "env", variable }).state ?? "granted";
    return state !== "granted" || (process.env[variable] ?? "") !== "";
  });
}

/** Tells whether an environment names a proxy. */
export function namesProxy(env: Environment): boolean {
  return PROXY_VARIABLES.some((variable) => (env[variable] ?? "") !== "");
}

function isNodeToldTo(env: Environment, execArgv: readonly string[]): boolean {
  if (env["NODE_USE_ENV_PROXY"] === "1") return true;
  const options = [...execArgv, ...(env["NODE_OPTIONS"] ?? "").split(" ")];
  return options.includes("--use-env-proxy");
}
