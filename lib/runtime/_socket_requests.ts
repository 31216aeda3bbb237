import { denoSockets } from "./_deno_sockets.ts";
import { Connection, type TLSSettings } from "./_http_connection.ts";
import { nodeSockets } from "./_node_sockets.ts";
import { unknownHost } from "./_unknown_host.ts";

/** Sends a request as `fetch` does; redirects are shown, bodies are not decoded. */
export type Send = (request: Request) => Promise<Response>;

/** How fresh a connection has to be to carry a body, which cannot be sent again if it is closed. */
const FRESH_MS = 1000;

/** What is kept for the requests to an origin. */
interface Origin {
  /** Connections that wait, the latest last. */
  readonly idle: Connection[];
  /** The latest TLS session. */
  session: Uint8Array | undefined;
}

/**
 * Makes requests over sockets, on Node, Deno and Bun: they read into one buffer, and give bytes at up
 * to twice the pace of `fetch`, whose streams copy and queue each piece. What is asked for is sent
 * once, bodies have their length, no more is read than is wanted, and no timeouts are hidden;
 * connections are used again for some seconds.
 *
 * @param settings What TLS is to be done with.
 * @returns The function that sends; `undefined` where there are no sockets.
 */
export function socketRequests(settings: TLSSettings = {}): Send | undefined {
  const modules = (isEmpty(settings) ? denoSockets() : undefined) ?? nodeSockets();
  if (modules === undefined) return undefined;
  const origins = new Map<string, Origin>();
  return async (request) => {
    request.signal.throwIfAborted();
    const url = new URL(request.url);
    const origin = origins.get(url.origin) ?? { idle: [], session: undefined };
    origins.set(url.origin, origin);
    const connect = (): Connection =>
      new Connection(modules, {
        url,
        settings,
        session: origin.session,
        onSession: (session) => {
          origin.session = session;
        },
      });
    const hasBody = request.body !== null;
    while (true) {
      const connection = waiting(origin, hasBody ? FRESH_MS : Infinity) ?? connect();
      const exchange = connection.send(request, url, () => origin.idle.push(connection));
      try {
        return await exchange.response;
      } catch (error) {
        // A server may close a connection that waits just when it is used again (RFC 9112 §9.3.1).
        const isStale = connection.isReused && !exchange.hasBegun;
        if (!isStale || hasBody || !isIdempotent(request) || request.signal.aborted) {
          throw unknownHost(error, request) ?? error;
        }
      }
    }
  };
}

/** Tells whether TLS is to be done as the runtime does it by itself. */
function isEmpty(settings: TLSSettings): boolean {
  return Object.values(settings).every((setting) => setting === undefined);
}

/** RFC 9110 §9.2.2. */
function isIdempotent({ method }: Request): boolean {
  return method === "GET" || method === "HEAD" || method === "DELETE";
}

/** Takes the connection that was used last: the others may end. */
function waiting({ idle }: Origin, maxIdleMs: number): Connection | undefined {
  for (let connection = idle.pop(); connection !== undefined; connection = idle.pop()) {
    if (connection.isClosed) continue;
    if (connection.idleMs <= maxIdleMs) return connection;
    idle.push(connection);
    return undefined;
  }
  return undefined;
}
