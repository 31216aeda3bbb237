/** Servers for the way to an engine: what they answer, and which connections they have. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { join } from "node:path";
import assert from "node:assert/strict";
import { parseEngineHost } from "../../lib/engine/mod.ts";
import { engineTransport, type EngineWay } from "../../lib/runtime/engine_transport.ts";
import { inScratch } from "../support/program.ts";

/** What a server answers. */
export type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** A way to a server, and the server's side of it. */
export interface Wire {
  readonly way: EngineWay;
  readonly url: string;
  /** The connections that are open. */
  readonly sockets: ReadonlySet<Socket>;
  /** Waits until no connection is open; fails when one stays. */
  idle(): Promise<void>;
}

/** Runs work beside a server: on a socket of the file system, or on a port. */
export async function listening<Result>(
  server: Server,
  at: string | undefined,
  work: (port: number, sockets: Set<Socket>) => Promise<Result>,
): Promise<Result> {
  const sockets = new Set<Socket>();
  const note = (socket: Socket): void => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => {});
  };
  server.on("connection", note);
  await new Promise<void>((resolve) => {
    if (at === undefined) server.listen(0, "127.0.0.1", () => resolve());
    else server.listen(at, () => resolve());
  });
  const address = server.address() as AddressInfo | string | null;
  try {
    return await work(typeof address === "object" ? address?.port ?? 0 : 0, sockets);
  } finally {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  }
}

/** A connection that is open for longer is left over, on the slowest of machines too. */
const IDLE_WITHIN_MS = 20_000;

/** Watches what a way does to the connections of its server. */
export function wireOf(way: EngineWay, sockets: Set<Socket>): Wire {
  return {
    way,
    url: `${way.baseURL}/v1.41/x?a=1&b=%C3%BC`,
    sockets,
    async idle() {
      const end = Date.now() + IDLE_WITHIN_MS;
      while (sockets.size > 0) {
        assert.ok(Date.now() < end, `${sockets.size} connections are open`);
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
    },
  };
}

/** Runs work over a unix socket, and again over a port. */
export async function overBoth(answer: Answer, work: (wire: Wire) => Promise<void>): Promise<void> {
  await inScratch(async (folder) => {
    const path = join(folder, "e.sock");
    await listening(createServer(answer), path, async (_, sockets) => {
      await work(wireOf(engineTransport(parseEngineHost(`unix://${path}`)), sockets));
    });
  });
  await listening(createServer(answer), undefined, async (port, sockets) => {
    await work(wireOf(engineTransport(parseEngineHost(`tcp://127.0.0.1:${port}`)), sockets));
  });
}

/** A request that sends something. */
export const post = (url: string, body: BodyInit, signal?: AbortSignal): Request =>
  new Request(url, {
    method: "POST",
    body,
    ...(body instanceof ReadableStream ? { duplex: "half" } : {}),
    ...(signal === undefined ? {} : { signal }),
  });

/** The error of work that has to fail. */
export async function failure(work: Promise<unknown>): Promise<unknown> {
  return await work.then(() => assert.fail("it should have failed"), (error: unknown) => error);
}

/** What a request has sent. */
export async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
