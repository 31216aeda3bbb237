import type { ConnectionModules } from "./_http_connection.ts";

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
  return net === undefined || tls === undefined ? undefined : { net, tls };
}
