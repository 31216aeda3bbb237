/** Names under which Docker Hub's credentials are found; ggcr#1617 has a login under the fourth. */
const HUB_ALIASES: ReadonlySet<string> = new Set([
  "docker.io",
  "index.docker.io",
  "registry-1.docker.io",
  "registry.docker.io",
  "registry.hub.docker.com",
]);

/**
 * Gives the name that stands for a registry where credentials are kept: its host in lower case,
 * without the default port, and `docker.io` for every name of Docker Hub.
 *
 * @param host A host with an optional port.
 * @returns The name.
 */
export function registryKey(host: string): string {
  const key = host.toLowerCase().replace(/:443$/, "");
  return HUB_ALIASES.has(key) ? "docker.io" : key;
}

/** The name under which Docker keeps the credentials of its Hub. */
const HUB_SERVER = "https://index.docker.io/v1/";

/**
 * Gives the name under which Docker logs in to a registry: its host as it was typed, and for every
 * name of Docker Hub `https://index.docker.io/v1/`.
 *
 * @param registry The registry, host and port.
 * @returns The key in configuration files, and the server for credential helpers.
 */
export function serverAddress(registry: string): string {
  return registryKey(registry) === "docker.io" ? HUB_SERVER : registry;
}

/**
 * Gives the host that a key of a configuration file is about.
 *
 * @param key A host, `host:port`, `host/path`, or a URL such as `https://index.docker.io/v1/`.
 * @returns The host with its port.
 */
export function hostOfKey(key: string): string {
  return key.replace(/^https?:\/\//i, "").replace(/\/.*$/s, "");
}

/**
 * Gives the repositories that a key of a configuration file is limited to (containers-auth.json).
 *
 * @param key A key.
 * @returns The name of a repository or of what is above some; "" for the whole registry.
 */
export function pathOfKey(key: string): string {
  if (/^https?:\/\//i.test(key)) return "";
  const slash = key.indexOf("/");
  const path = slash < 0 ? "" : key.slice(slash + 1).replace(/\/+$/, "");
  return path === "v1" || path === "v2" ? "" : path;
}

/**
 * Tells whether a key of a configuration file stands for the whole of a registry.
 *
 * @param key A key.
 * @param registry The registry, host and port.
 * @returns Whether it does, in whatever spelling.
 */
export function isKeyOf(key: string, registry: string): boolean {
  return key === registry ||
    pathOfKey(key) === "" && registryKey(hostOfKey(key)) === registryKey(registry);
}
