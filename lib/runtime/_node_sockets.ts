import { type ConnectionModules, READ_AHEAD_BYTES } from "./_http_connection.ts";

interface Host {
  readonly process?: {
    getBuiltinModule?(name: "node:net"): ConnectionModules["net"] | undefined;
    getBuiltinModule?(name: "node:tls"): ConnectionModules["tls"] | undefined;
  };
}

/** Gives what connections are made with on Node, Deno and Bun; `undefined` elsewhere. */
export function nodeSockets(): ConnectionModules | undefined {
  const { process } = globalThis as Host;
  const net = process?.getBuiltinModule?.("node:net");
  const tls = process?.getBuiltinModule?.("node:tls");
  if (net === undefined || tls === undefined) return undefined;
  if (!("Bun" in globalThis)) {
    return { net, tls, readsIntoBuffer: true, givesBytes: true, readAheadBytes: READ_AHEAD_BYTES };
  }
  // Bun makes a buffer of up to 512 KiB for each piece, which it would copy into ours; one more comes
  // from a socket that is paused, so that one piece that waits is enough.
  return { net, tls, readsIntoBuffer: false, givesBytes: true, readAheadBytes: 1 };
}
