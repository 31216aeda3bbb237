/** Real servers on loopback that write down what they are asked. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTLSServer } from "node:https";
import type { AddressInfo } from "node:net";

/** A request as it came over the wire. */
export interface WireRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Uint8Array;
  /** Whether the body came to its proper end. */
  readonly isComplete: boolean;
}

export interface LoopbackServer {
  readonly port: number;
  readonly seen: WireRequest[];
  close(): Promise<void>;
}

export type Handler = (
  request: WireRequest,
  response: ServerResponse,
  raw: IncomingMessage,
) => void | Promise<void>;

/** How a server is started. */
export interface ServerOptions {
  readonly host?: string;
  /** Where it listens; by default on a port that is free. */
  readonly port?: number;
  /** Answers before the body of the request is there. */
  readonly isEarly?: boolean;
  /** Speaks https. */
  readonly tls?: { readonly key: string; readonly cert: string };
}

/** Starts a server that reads each request whole before it answers. */
export async function startServer(
  handler: Handler,
  options: ServerOptions = {},
): Promise<LoopbackServer> {
  const seen: WireRequest[] = [];
  const listener = (raw: IncomingMessage, response: ServerResponse) => {
    const chunks: Uint8Array[] = [];
    const note = (isComplete: boolean): WireRequest => {
      const request = {
        method: raw.method ?? "",
        path: raw.url ?? "",
        headers: raw.headers,
        body: new Uint8Array(Buffer.concat(chunks)),
        isComplete,
      };
      seen.push(request);
      return request;
    };
    if (options.isEarly === true) {
      void handler(note(false), response, raw);
      return;
    }
    let isOver = false;
    raw.on("data", (chunk: Uint8Array) => chunks.push(chunk));
    raw.on("end", () => {
      isOver = true;
      void handler(note(true), response, raw);
    });
    const broken = () => {
      if (!isOver) note(false);
      isOver = true;
    };
    raw.on("aborted", broken);
    raw.on("error", broken);
    raw.on("close", broken);
  };
  const { tls } = options;
  const server = tls === undefined ? createServer(listener) : createTLSServer(tls, listener);
  await new Promise<void>((resolve) =>
    server.listen(options.port ?? 0, options.host ?? "127.0.0.1", () => resolve())
  );
  return {
    port: (server.address() as AddressInfo).port,
    seen,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
