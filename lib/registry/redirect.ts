import { isPrivateHost } from "../auth/private_host.ts";
import { RegistryError } from "../model/errors.ts";
import { type Endpoint, isLoopbackHost } from "./endpoint.ts";
import { redactURL } from "../model/redact.ts";

/** The most redirects in a row: content networks need two or three. */
export const MAX_REDIRECTS = 10;

/** The headers that follow a redirect to another origin: nothing that could be a secret. */
export const FOREIGN_HEADERS: ReadonlySet<string> = new Set([
  "accept",
  "accept-encoding",
  "range",
  "user-agent",
  // They describe a body that is sent along; without them it would be refused.
  "content-length",
  "content-type",
]);

/** How far a registry may lead a client. */
export interface RedirectPolicy {
  /** The registry. */
  readonly endpoint: Endpoint;
  /** Private addresses that are allowed, as `hostname` of a `URL`. */
  readonly privateHosts: readonly string[];
  /** Reads `http:` on the host of an https registry as `https:`. */
  readonly fixLocationScheme: boolean;
}

/** Where a redirect or an upload leads from. */
export interface Departure {
  /** What is being done, for messages. */
  readonly action: string;
  readonly method: string;
  readonly status: number;
  /** The URL that answered. */
  readonly url: URL;
}

/**
 * Tells whether a status is that of a redirect that can be followed.
 *
 * @param status The HTTP status.
 * @returns Whether there should be a `Location` to go to.
 */
export function isRedirect(status: number): boolean {
  return [301, 302, 303, 307, 308].includes(status);
}

/** Private addresses are inside: a registry may lead there only when it is there itself. */
function isReachable(target: URL, policy: RedirectPolicy): boolean {
  const { hostname } = policy.endpoint;
  if (!isPrivateHost(target.hostname) || target.hostname === hostname) return true;
  if (policy.privateHosts.includes(target.hostname)) return true;
  return isLoopbackHost(hostname) && isLoopbackHost(target.hostname);
}

/**
 * Checks a `Location`, of a redirect or of an upload, before anything is sent there. Refused are:
 * none at all; other schemes than http and https; https to http; user names; private addresses that
 * are not the registry's own.
 *
 * @param location The header.
 * @param from The answer it came with.
 * @param policy How far the registry may lead.
 * @returns The URL, without its fragment.
 * @throws {RegistryError} when the location is refused.
 */
export function checkLocation(
  location: string | null,
  from: Departure,
  policy: RedirectPolicy,
): URL {
  const refuse = (reason: string): never => {
    throw locationError(from, reason);
  };
  if (location === null) return refuse("it has no Location");
  if (!URL.canParse(location, from.url)) return refuse("its Location is no URL");
  const url = new URL(location, from.url);
  url.hash = "";
  if (url.protocol !== "https:" && url.protocol !== "http:") {
    return refuse(`its Location is of the scheme ${url.protocol}`);
  }
  if (url.username !== "" || url.password !== "") return refuse("its Location holds a user name");
  if (url.protocol === "http:" && from.url.protocol === "https:") {
    if (!policy.fixLocationScheme || url.hostname !== from.url.hostname) {
      return refuse(
        `its Location leads from https to ${url.origin}; when a proxy in front of the registry ` +
          "ends TLS, set fixLocationScheme",
      );
    }
    if (url.port === "") url.port = from.url.port;
    url.protocol = "https:";
  }
  if (!isReachable(url, policy)) {
    return refuse(`its Location ${url.origin} is a private address; allow it by privateHosts`);
  }
  return url;
}

/**
 * Makes the error of an answer that leads nowhere.
 *
 * @param from The answer.
 * @param reason Why it is not followed.
 * @returns The error.
 */
export function locationError(from: Departure, reason: string): RegistryError {
  return new RegistryError(
    `Cannot ${from.action}: the answer ${from.status} of ${
      redactURL(from.url)
    } is refused: ${reason}`,
    { status: from.status, method: from.method, url: redactURL(from.url) },
  );
}
