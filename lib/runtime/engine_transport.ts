import type * as HTTPModule from "node:http";
import type * as HTTPSModule from "node:https";
import type { EngineTLS } from "../engine/locate.ts";
import { type EngineEndpoint, formatEngineHost } from "../engine/endpoint.ts";
import { LadingError } from "../model/errors.ts";
import type { Transport } from "../model/transport.ts";
import { EngineExchange } from "./_engine_exchange.ts";
import { sshAgent } from "./_engine_ssh.ts";

interface Host {
  readonly process?: {
    readonly platform?: string;
    getBuiltinModule?(name: "node:http"): typeof HTTPModule | undefined;
    getBuiltinModule?(name: "node:https"): typeof HTTPSModule | undefined;
  };
}

/** The way to an engine. */
export interface EngineWay {
  /** Sends requests there. */
  readonly transport: Transport;
  /** Where the API is, as requests name it. */
  readonly baseURL: string;
  /** Ends the connections. */
  close(): void;
}

/**
 * Makes the way to an engine over Node's `http`, which Deno and Bun have too: sockets, named pipes,
 * ports with and without TLS, ssh. Bodies are streamed both ways with backpressure, the answer can
 * come while the request is still sent, and no time limit is hidden in it. A connection carries one
 * request; aborting it, or cancelling its answer, closes the connection.
 *
 * @param endpoint Where the engine listens.
 * @param tls What TLS needs.
 * @returns The way.
 * @throws {LadingError} (`UNSUPPORTED_ENDPOINT`) when the runtime cannot go there.
 */
export function engineTransport(endpoint: EngineEndpoint, tls: EngineTLS = {}): EngineWay {
  const { process } = globalThis as Host;
  const http = process?.getBuiltinModule?.("node:http");
  const https = process?.getBuiltinModule?.("node:https");
  if (http === undefined || https === undefined) {
    throw unsupported(endpoint, "there are no sockets here; give a transport");
  }
  const exchanges = new Set<EngineExchange>();
  const way = (baseURL: string, options: HTTPSModule.RequestOptions): EngineWay => ({
    baseURL,
    transport: async (request) => {
      request.signal.throwIfAborted();
      const url = new URL(request.url);
      const module = url.protocol === "https:" ? https : http;
      const exchange = new EngineExchange(request, exchanges);
      exchange.start((data) => module.request({ ...options, ...data }));
      return await exchange.response;
    },
    close() {
      for (const exchange of exchanges) exchange.close();
    },
  });
  switch (endpoint.kind) {
    case "npipe":
      if (process?.platform !== "win32") {
        throw unsupported(endpoint, "named pipes are of Windows; use unix:// or tcp://");
      }
      return way("http://api.moby.localhost", { socketPath: endpoint.path, agent: false });
    case "unix":
      return way("http://api.moby.localhost", { socketPath: endpoint.path, agent: false });
    case "tcp": {
      const { host, port } = endpoint;
      return way(formatEngineHost(endpoint), { host, port, agent: false, ...tlsOptions(tls) });
    }
    case "ssh":
      return way("http://api.moby.localhost", { agent: sshAgent(http, endpoint) });
  }
}

function tlsOptions({ ca, cert, key, isVerified = true }: EngineTLS): HTTPSModule.RequestOptions {
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    rejectUnauthorized: isVerified,
  };
}

function unsupported(endpoint: EngineEndpoint, reason: string): LadingError {
  const message = `Cannot connect to the engine at ${formatEngineHost(endpoint)}: ${reason}`;
  return new LadingError("UNSUPPORTED_ENDPOINT", message);
}
