import type { RunningServer } from "./running_server.ts";
import { serverURL } from "./_server_url.ts";

interface DenoHost {
  serve(
    options: {
      readonly port: number;
      readonly hostname: string;
      readonly onListen: () => void;
    },
    handler: (request: Request) => Promise<Response>,
  ): { readonly addr: { readonly port: number }; shutdown(): Promise<void> };
}

/** Serves a handler with `Deno.serve`. */
export function serveOnDeno(
  handler: (request: Request) => Promise<Response>,
  port: number,
  hostname: string,
): RunningServer {
  const { Deno } = globalThis as unknown as { readonly Deno: DenoHost };
  // The first argument only: `Deno.serve` hands over more.
  const server = Deno.serve(
    { port, hostname, onListen: () => {} },
    (request) => handler(request),
  );
  let closing: Promise<void> | undefined;
  return {
    url: serverURL(hostname, server.addr.port),
    port: server.addr.port,
    close: () => closing ??= server.shutdown(),
  };
}
