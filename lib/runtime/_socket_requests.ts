import type { Socket } from "node:net";
import { denoSockets } from "./_deno_sockets.ts";
import { Connection, type ConnectionModules, type TLSSettings } from "./_http_connection.ts";
import { nodeSockets } from "./_node_sockets.ts";
import { isRefused } from "./_refused.ts";
import { unknownHost } from "./_unknown_host.ts";

/** Sends a request as `fetch` does; redirects are shown, bodies are not decoded. */
export type Send = (request: Request) => Promise<Response>;

/** Opens a connection to a server of https by another way; `undefined` where there is none. */
export type Detour = (
  net: ConnectionModules["net"],
  url: URL,
  signal: AbortSignal,
) => Promise<Socket | undefined>;

/** How fresh a connection has to be to carry a body, which cannot be sent again if it is closed. */
const FRESH_MS = 1000;

/** What is kept for the requests to an origin. */
interface Origin {
  /** Connections that wait, the latest last. */
  readonly idle: Connection[];
  /** The latest TLS session. */
  session: Uint8Array | undefined;
  /** What the connections have come to: a server that was there comes back, others may be nowhere. */
  state: "new" | "answered" | "refused";
}

/**
 * Makes requests over sockets, on Node, Deno and Bun: they read into one buffer, and give bytes at up
 * to twice the pace of `fetch`, whose streams copy and queue each piece. What is asked for is sent
 * once, bodies have their length, no more is read than is wanted, and no timeouts are hidden;
 * connections are used again for some seconds. A connection that is refused again is a final failure
 * where nobody has answered yet: nothing listens there. A server that has answered is restarting.
 *
 * @param settings What TLS is to be done with.
 * @param detour How servers of https are reached, where that is not directly.
 * @returns The function that sends; `undefined` where there are no sockets.
 */
export function socketRequests(settings: TLSSettings = {}, detour?: Detour): Send | undefined {
  const modules = (isEmpty(settings) && detour === undefined ? denoSockets() : undefined) ??
    nodeSockets();
  if (modules === undefined) return undefined;
  const origins = new Map<string, Origin>();
  return async (request) => {
    request.signal.throwIfAborted();
    const url = new URL(request.url);
    const origin = origins.get(url.origin) ?? { idle: [], session: undefined, state: "new" };
    origins.set(url.origin, origin);
    const connect = (socket?: Socket): Connection =>
      new Connection(modules, {
        url,
        socket,
        settings,
        session: origin.session,
        onSession: (session) => {
          origin.session = session;
        },
      });
    const hasBody = request.body !== null;
    const wasRefused = origin.state === "refused";
    while (true) {
      const connection = waiting(origin, hasBody ? FRESH_MS : Infinity) ??
        (detour === undefined ? connect() : connect(await around(detour, modules, request)));
      const exchange = connection.send(request, url, () => origin.idle.push(connection));
      try {
        const response = await exchange.response;
        origin.state = "answered";
        return response;
      } catch (error) {
        // A server may close a connection that waits just when it is used again (RFC 9112 §9.3.1).
        const isStale = connection.isReused && !exchange.hasBegun;
        if (!isStale || hasBody || !isIdempotent(request) || request.signal.aborted) {
          if (origin.state !== "answered" && isRefused(error)) {
            origin.state = "refused";
            if (wasRefused) throw Object.assign(error, { isFinal: true });
          }
          throw unknownHost(error, request) ?? error;
        }
      }
    }
  };
}

/** Takes the detour, unless nobody waits for its end any more. */
async function around(
  detour: Detour,
  { net }: ConnectionModules,
  { url, signal }: Request,
): Promise<Socket | undefined> {
  const socket = await detour(net, new URL(url), signal);
  if (!signal.aborted) return socket;
  socket?.destroy();
  throw signal.reason;
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
