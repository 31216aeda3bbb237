import { UsageError } from "./_command.ts";

/** Where a server listens. */
export interface ListenAddress {
  readonly hostname: string;
  readonly port: number;
}

/** `PORT`, `HOST:PORT` or `[IPv6]:PORT`. */
const LISTEN_REGEXP = /^(?:(?<host>[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]):)?(?<port>[0-9]{1,5})$/;

/**
 * Parses where to listen; without a host it is this machine only.
 *
 * @throws {UsageError} when it is no address.
 */
export function parseListen(text: string): ListenAddress {
  const { host = "127.0.0.1", port = "" } = LISTEN_REGEXP.exec(text)?.groups ?? {};
  if (port === "" || Number(port) > 65_535) {
    throw new UsageError(`--listen takes [HOST:]PORT, not ${JSON.stringify(text)}`);
  }
  return { hostname: host.replace(/^\[|\]$/g, ""), port: Number(port) };
}

/** Tells whether only this machine reaches an address. */
export function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "::1" || /^127\./.test(hostname);
}
