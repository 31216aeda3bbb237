/** What the kernel of this machine holds of a connection: it has left one end, and was not read at the other. */
import { readFileSync } from "node:fs";
import assert from "node:assert/strict";

/**
 * Gives the bytes that are on the way between a server of this process and its clients: what was
 * sent and not acknowledged, and what arrived and was not read.
 */
export function bytesInKernel(serverPort: number): number {
  const port = `:${serverPort.toString(16).toUpperCase().padStart(4, "0")}`;
  const [, ...rows] = readFileSync("/proc/net/tcp", "latin1").trimEnd().split("\n");
  let bytes = 0;
  let ends = 0;
  for (const row of rows) {
    const [, local = "", remote = "", state, queues = ""] = row.trim().split(/\s+/);
    const isServer = local.endsWith(port) && state !== LISTENS;
    if (!isServer && !remote.endsWith(port)) continue;
    const [sending = "", received = ""] = queues.split(":");
    bytes += Number.parseInt(isServer ? sending : received, 16);
    ends++;
  }
  assert.ok(ends > 0, "no connection is there to look at");
  return bytes;
}

/** The state of a socket that listens, as the kernel writes it. */
const LISTENS = "0A";
