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
