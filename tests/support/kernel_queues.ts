/** What the kernel of this machine holds of a connection: it has left one end, and was not read at the other. */
import { readFileSync } from "node:fs";

/**
 * Gives the bytes that are on the way between a server of this process and its clients, or one of
 * them: what was sent and not acknowledged, and what arrived and was not read.
 *
 * @returns The bytes; `undefined` when there is no such connection.
 */
export function bytesInKernel(serverPort: number, clientPort?: number): number | undefined {
  const [server, client] = [ending(serverPort), ending(clientPort)];
  const [, ...rows] = readFileSync("/proc/net/tcp", "latin1").trimEnd().split("\n");
  let bytes = 0;
  let ends = 0;
  for (const row of rows) {
    const [, local = "", remote = "", state, queues = ""] = row.trim().split(/\s+/);
    const isServer = local.endsWith(server) && remote.endsWith(client) && state !== LISTENS;
    if (!isServer && !(remote.endsWith(server) && local.endsWith(client))) continue;
    const [sending = "", received = ""] = queues.split(":");
    bytes += Number.parseInt(isServer ? sending : received, 16);
    ends++;
  }
  return ends === 0 ? undefined : bytes;
}

/** How the kernel writes addresses end that have a port. */
function ending(port: number | undefined): string {
  return port === undefined ? "" : `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
}

/** The state of a socket that listens, as the kernel writes it. */
const LISTENS = "0A";
