import type { EngineTLS } from "../engine/locate.ts";
import { type EngineEndpoint, formatEngineHost } from "../engine/endpoint.ts";
import { LadingError } from "../model/errors.ts";
import type { Transport } from "../model/transport.ts";
import { sshSockets } from "./_engine_ssh.ts";
import { Connection, type ConnectionTarget, type TLSSettings } from "./_http_connection.ts";
import { nodeSockets } from "./_node_sockets.ts";

/** What requests call an engine that has no name of its own; the docker command does so too. */
const LOCAL_URL = "http://api.moby.localhost";

interface Host {
  readonly process?: { readonly platform?: string };
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
 * Makes the way to an engine over the sockets of Node, which Deno and Bun have too: sockets, named
 * pipes, ports with and without TLS, ssh. Bodies are streamed both ways with backpressure, the answer
 * can come while the request is still sent, and no time limit is hidden in it. A connection carries
 * one request, but over ssh, where it is dear: there it waits some seconds for the next one. Aborting
 * a request, or cancelling its answer, closes its connection.
 *
 * @param endpoint Where the engine listens.
 * @param tls What TLS needs.
 * @returns The way.
 * @throws {LadingError} (`UNSUPPORTED_ENDPOINT`) when the runtime cannot go there.
 */
export function engineTransport(endpoint: EngineEndpoint, tls: EngineTLS = {}): EngineWay {
  const isOverSSH = endpoint.kind === "ssh";
  const modules = isOverSSH ? sshSockets(endpoint) : nodeSockets();
  if (modules === undefined) {
    throw unsupported(endpoint, "there are no sockets here; give a transport");
  }
  const isPipe = endpoint.kind === "npipe";
  if (isPipe && (globalThis as Host).process?.platform !== "win32") {
    throw unsupported(endpoint, "named pipes are of Windows; use unix:// or tcp://");
  }
  const target: Omit<ConnectionTarget, "url" | "onClosed"> = {
    path: isPipe || endpoint.kind === "unix" ? endpoint.path : undefined,
    settings: settingsOf(tls),
    session: undefined,
    onSession() {},
  };
  const open = new Set<Connection>();
  const waiting = new Set<Connection>();
  const connect = (url: URL): Connection => {
    const onClosed = (): void => {
      open.delete(connection);
      waiting.delete(connection);
    };
    const connection = new Connection(modules, { ...target, url, onClosed });
    open.add(connection);
    return connection;
  };
  return {
    baseURL: endpoint.kind === "tcp" ? formatEngineHost(endpoint) : LOCAL_URL,
    transport: async (request) => {
      request.signal.throwIfAborted();
      const url = new URL(request.url);
      const [kept] = waiting;
      const connection = kept ?? connect(url);
      waiting.delete(connection);
      const onFree = (): void => isOverSSH ? void waiting.add(connection) : connection.close();
      try {
        return await connection.send(request, url, onFree).response;
      } catch (error) {
        // "fetch failed" tells nobody anything that its cause does not tell.
        const isWrapped = error instanceof TypeError && !request.signal.aborted;
        throw isWrapped && error.cause !== undefined ? error.cause : error;
      }
    },
    close() {
      for (const connection of open) connection.close();
    },
  };
}

function settingsOf({ ca, cert, key, isVerified }: EngineTLS): TLSSettings {
  return { ca, isExclusive: true, cert, key, verify: isVerified };
}

function unsupported(endpoint: EngineEndpoint, reason: string): LadingError {
  const message = `Cannot connect to the engine at ${formatEngineHost(endpoint)}: ${reason}`;
  return new LadingError("UNSUPPORTED_ENDPOINT", message);
}
