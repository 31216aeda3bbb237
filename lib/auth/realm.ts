import { isPrivateHost } from "./private_host.ts";

/** How far a registry's choice of token server is trusted. */
export interface RealmPolicy {
  /** The origin of the registry, such as `https://registry-1.docker.io`. */
  readonly origin: string;
  /**
   * `false` refuses http also for a registry that is spoken to over http; default: http is allowed
   * for such a registry.
   */
  readonly plainHTTP?: boolean | undefined;
  /** Origins of token servers that are trusted whatever the rules say. */
  readonly allowedRealms?: readonly string[] | undefined;
}

/** The answer of {@linkcode checkRealm}: where to go, or why not. */
export type RealmCheck =
  | { readonly url: URL; readonly refused?: undefined }
  | { readonly url?: undefined; readonly refused: string };

/**
 * Completes a host with the port of a scheme, and an IPv6 address with its brackets.
 *
 * @param address A host with an optional port.
 * @param scheme The scheme that decides the port.
 * @returns `host:port`; the address as it is when it is none.
 */
export function canonicalAddress(address: string, scheme: "http" | "https"): string {
  const port = scheme === "https" ? "443" : "80";
  const bracketed = /^(\[[0-9a-f:.]+\])(?::(\d*))?$/i.exec(address);
  const named = bracketed ?? /^([^:[\]]+)(?::(\d*))?$/.exec(address);
  if (named !== null) return `${named[1]}:${named[2] || port}`;
  return /^[0-9a-f:.]+$/i.test(address) ? `[${address}]:${port}` : address;
}

function addressOf(url: URL): string {
  return canonicalAddress(url.host, url.protocol === "https:" ? "https" : "http");
}

/**
 * Checks the token server that a registry names, before anything is sent there. A relative realm
 * is one of the registry itself. Refused are: user names in the URL; other schemes than https (http
 * is allowed on the host of a registry that is itself spoken to over http); private, loopback,
 * link-local and unspecified addresses, unless host and port are the registry's own. Names are not
 * looked up, so a name that leads to a private address passes.
 *
 * @param realm The `realm` of a Bearer challenge.
 * @param policy Which registry said so, and what else is allowed.
 * @returns The URL without its fragment, or the reason of the refusal, fit for a message.
 */
export function checkRealm(realm: string, policy: RealmPolicy): RealmCheck {
  if (!URL.canParse(realm, policy.origin)) return { refused: "its realm is no URL" };
  const url = new URL(realm, policy.origin);
  const registry = new URL(policy.origin);
  url.hash = "";
  if (url.username !== "" || url.password !== "") {
    return { refused: "its realm holds a user name" };
  }
  if (url.protocol !== "https:" && url.protocol !== "http:") {
    return { refused: "its realm is neither https nor http" };
  }
  if (policy.allowedRealms?.includes(url.origin)) return { url };
  if (url.protocol === "http:") {
    const isPlain = registry.protocol === "http:" && policy.plainHTTP !== false;
    if (!isPlain) return { refused: `its realm ${url.origin} is not https` };
    if (url.hostname !== registry.hostname) {
      return { refused: `its realm ${url.origin} is http on another host` };
    }
  }
  if (isPrivateHost(url.hostname) && addressOf(url) !== addressOf(registry)) {
    return { refused: `its realm ${url.origin} is a private address` };
  }
  return { url };
}
