import { detectRuntime } from "./detect.ts";
import { serveOnDeno } from "./_serve_deno.ts";
import { serveOnNode } from "./_serve_node.ts";
import type { RunningServer } from "./running_server.ts";

/** Answers requests: a registry handler, any `Transport`, a Worker's `fetch`. */
export type RequestHandler = (request: Request) => Promise<Response> | Response;

/** Options of {@linkcode serve}. */
export interface ServeOptions {
  /** The port; 0, which takes any free one, by default. */
  readonly port?: number | undefined;
  /** The address to listen on; `127.0.0.1`, which only this machine reaches, by default. */
  readonly hostname?: string | undefined;
}

/**
 * Serves a handler over HTTP/1.1 on Node and Bun (`node:http`) or Deno (`Deno.serve`).
 *
 * Bodies stream in both directions, read only as fast as the other side takes them. When a client
 * goes away, the request's body errors, its signal aborts and the answer's body is cancelled; when
 * the answer's body errors, the connection is cut, so that a client does not take a part for the
 * whole. There is no limit on the size of a body, nor on the time it takes as long as it moves.
 *
 * @param handler Answers the requests; when it rejects, the answer is an empty 500.
 * @param options Where to listen.
 * @returns The server, once it listens.
 * @throws {TypeError} on runtimes that cannot listen: Workers and browsers.
 *
 * @example A registry on loopback
 * ```ts
 * import { serve } from "@lading/lading/node"; // or /deno, /bun
 * import { registryHandler } from "@lading/lading/server";
 * import { memoryStore } from "@lading/lading/store";
 *
 * const server = await serve(registryHandler(memoryStore()));
 * const answer = await fetch(`${server.url}/v2/`);
 * console.log(await answer.text()); // {}
 * await server.close();
 * ```
 */
export async function serve(
  handler: RequestHandler,
  options: ServeOptions = {},
): Promise<RunningServer> {
  const { port = 0, hostname = "127.0.0.1" } = options;
  const runtime = detectRuntime();
  if (runtime === "deno") return serveOnDeno(guarded(handler), port, hostname);
  // Bun.serve drops the Content-Length of streams (1.4.5); Bun's node:http keeps it.
  if (runtime === "node" || runtime === "bun") {
    return await serveOnNode(guarded(handler), port, hostname);
  }
  throw new TypeError(`Cannot serve: ${runtime} does not listen; export the handler as fetch`);
}

function guarded(handler: RequestHandler): (request: Request) => Promise<Response> {
  return async (request) => {
    try {
      return await handler(request);
    } catch {
      return new Response(null, { status: 500 });
    }
  };
}
