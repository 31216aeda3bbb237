import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Bytes, ByteStream } from "../model/bytes.ts";
import type { RunningServer } from "./running_server.ts";
import { serverURL } from "./_server_url.ts";

type Handler = (request: Request) => Promise<Response>;

/**
 * How long a connection may stand still. A registry that copies a large upload into its layout says
 * nothing meanwhile, so this is generous.
 */
const IDLE_TIMEOUT_MS = 10 * 60 * 1000;

/** Serves a handler with `node:http`. */
export async function serveOnNode(
  handler: Handler,
  port: number,
  hostname: string,
): Promise<RunningServer> {
  const { createServer } = process.getBuiltinModule("node:http");
  let closing: Promise<void> | undefined;
  const server = createServer((message, response) => {
    answer(handler, message, response).catch(() => response.destroy()).finally(() => {
      // A connection that falls idle behind close() would keep the server for five seconds.
      if (closing !== undefined) setTimeout(() => server.closeIdleConnections());
    });
  });
  // Node gives a request five minutes in all, which is not enough for a layer on a slow line.
  server.requestTimeout = 0;
  server.setTimeout(IDLE_TIMEOUT_MS);
  const actual = await listen(server, port, hostname);
  return {
    url: serverURL(hostname, actual),
    port: actual,
    close: () => closing ??= close(server),
  };
}

function listen(server: Server, port: number, hostname: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, hostname, () => {
      server.off("error", reject);
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : port);
    });
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    server.close((error) => error === undefined ? resolve() : reject(error));
    server.closeIdleConnections();
  });
}

async function answer(
  handler: Handler,
  message: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const gone = new AbortController();
  // Without a listener an error of the socket would end the process.
  response.on("error", () => {});
  message.on("error", () => {});
  const request = requestOf(message, gone.signal);
  if (request === undefined) {
    response.writeHead(400).end();
    return;
  }
  response.on("close", () => {
    // Holds the request too: Node collects one that is only waited for, and its signal with it.
    const isHeard = response.writableFinished || request.signal.aborted;
    if (!isHeard) gone.abort(new DOMException("the client left", "AbortError"));
  });
  const reply = await handler(request);
  if (gone.signal.aborted) {
    await reply.body?.cancel(gone.signal.reason).catch(() => {});
    return;
  }
  response.writeHead(reply.status, headersOf(reply));
  if (reply.body === null || message.method === "HEAD") {
    await reply.body?.cancel().catch(() => {});
    response.end();
  } else {
    await send(reply.body as ByteStream, response, gone.signal);
  }
}

function requestOf(message: IncomingMessage, signal: AbortSignal): Request | undefined {
  const { method = "GET", url = "/", rawHeaders } = message;
  try {
    const headers = new Headers();
    for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
      headers.append(rawHeaders[i] ?? "", rawHeaders[i + 1] ?? "");
    }
    const host = headers.get("host") ?? "localhost";
    const hasBody = method !== "GET" && method !== "HEAD";
    return new Request(new URL(url, `http://${host}`), {
      method,
      headers,
      signal,
      ...(hasBody ? { body: bodyOf(message), duplex: "half" } : {}),
    } as RequestInit);
  } catch {
    // What the web cannot say as a Request: the methods TRACE and CONNECT, a Host that is none.
    return undefined;
  }
}

/** Reads a request's body chunk by chunk; what is left unread is thrown away as it arrives. */
function bodyOf(message: IncomingMessage): ByteStream {
  const chunks = message.iterator({ destroyOnReturn: false });
  return new ReadableStream<Bytes>({
    async pull(controller) {
      const { done, value } = await chunks.next();
      if (done) return controller.close();
      controller.enqueue(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
    },
    async cancel() {
      await chunks.return?.();
      message.resume();
    },
  }, { highWaterMark: 0 });
}

function headersOf(reply: Response): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = {};
  for (const [name, value] of reply.headers) headers[name] = value;
  const cookies = reply.headers.getSetCookie();
  if (cookies.length > 0) headers["set-cookie"] = cookies;
  return headers;
}

async function send(body: ByteStream, response: ServerResponse, gone: AbortSignal): Promise<void> {
  const reader = body.getReader();
  const stop = () => void reader.cancel(gone.reason).catch(() => {});
  gone.addEventListener("abort", stop, { once: true });
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (gone.aborted) return;
      if (done) break;
      if (!response.write(value)) await drained(response, gone);
    }
    response.end();
  } catch {
    // Cutting the connection is the only way to say that the body is not whole.
    response.destroy();
  } finally {
    gone.removeEventListener("abort", stop);
    reader.releaseLock();
  }
}

function drained(response: ServerResponse, gone: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const go = () => {
      response.off("drain", go);
      gone.removeEventListener("abort", go);
      resolve();
    };
    response.on("drain", go);
    gone.addEventListener("abort", go, { once: true });
    if (gone.aborted) go();
  });
}
