import type { Bytes, ByteStream } from "../../lib/model/bytes.ts";
import { Engine, type EngineOptions } from "../../lib/engine/mod.ts";
import { corpusBytes } from "../support/corpus.ts";

/** A request as the engine got it. */
export interface Sent {
  readonly method: string;
  /** The path without its version. */
  readonly path: string;
  /** The version in the path; "" for none. */
  readonly version: string;
  readonly query: readonly (readonly [string, string])[];
  readonly headers: Headers;
  /** The body, as text. */
  readonly body: string;
}

/** Answers a request; `undefined` means 404 as of a router. */
export type Script = (sent: Sent) => Response | Promise<Response> | undefined;

/** An engine that answers by a script, and what it was asked but pings. */
export interface ScriptedEngine {
  readonly engine: Engine;
  readonly sent: Sent[];
}

/** Options of {@linkcode scripted}. */
export interface ScriptedOptions extends Partial<EngineOptions> {
  /** The newest version that the engine speaks. */
  readonly speaks?: string;
}

export function scripted(script: Script, options: ScriptedOptions = {}): ScriptedEngine {
  const { speaks = "1.41", ...rest } = options;
  const sent: Sent[] = [];
  const transport = async (request: Request): Promise<Response> => {
    const { pathname, searchParams } = new URL(request.url);
    const [, version = "", path = pathname] = /^\/v([\d.]+)(\/.*)$/.exec(pathname) ?? [];
    const headers = { "api-version": speaks, "ostype": "linux", "server": "Docker/20.10" };
    if (path === "/_ping") return new Response(null, { headers });
    const seen = {
      method: request.method,
      path,
      version,
      query: [...searchParams],
      headers: new Headers(request.headers),
      body: request.body === null ? "" : await request.text(),
    };
    sent.push(seen);
    return await script(seen) ??
      json({ message: "page not found" }, { status: 404 });
  };
  return { engine: new Engine({ transport, name: "the test engine", ...rest }), sent };
}

/** An engine that gives the same answer to everything. */
export function answering(make: () => Response, options?: ScriptedOptions): ScriptedEngine {
  return scripted(() => make(), options);
}

export function utf8(text: string): Bytes {
  return new TextEncoder().encode(text);
}

export function json(value: unknown, init: ResponseInit = {}): Response {
  const headers = { "content-type": "application/json" };
  return new Response(JSON.stringify(value), { headers, ...init });
}

/** A stream of chunks that come one by one. */
export function chunks(...parts: readonly (string | Bytes)[]): ByteStream {
  const left = parts.map((part) => typeof part === "string" ? utf8(part) : part);
  return new ReadableStream<Bytes>({
    pull(controller) {
      const next = left.shift();
      if (next === undefined) controller.close();
      else controller.enqueue(next);
    },
  }, { highWaterMark: 0 });
}

/** An answer of messages, one to a chunk, as engines send them. */
export function messages(...values: readonly unknown[]): Response {
  return new Response(chunks(...values.map((value) => `${JSON.stringify(value)}\r\n`)), {
    headers: { "content-type": "application/json" },
  });
}

/** A reply that a Docker engine 20.10 gave, from the corpus. */
export async function recorded(name: string): Promise<Response> {
  const text = new TextDecoder().decode(
    await corpusBytes(`made-by-dockerd/engine-api-1.41/${name}.http`),
  );
  const [head = "", ...rest] = text.split(/\r?\n\r?\n/);
  const [status = "", ...lines] = head.split(/\r?\n/);
  const headers = new Headers();
  for (const line of lines) {
    const colon = line.indexOf(":");
    const name = line.slice(0, colon).toLowerCase();
    if (name !== "transfer-encoding" && name !== "content-length") {
      headers.append(name, line.slice(colon + 1).trim());
    }
  }
  const code = Number(status.split(" ")[1]);
  return new Response(code === 204 ? null : rest.join("\n\n"), { status: code, headers });
}

/** An image as inspect shows it. */
export function inspected(fields: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    Id: `sha256:${"5f".repeat(32)}`,
    RepoTags: ["app:1"],
    RepoDigests: [],
    Os: "linux",
    Architecture: "amd64",
    Size: 10,
    Created: "2026-11-20T23:48:30.754404655Z",
    Config: { Labels: null },
    ...fields,
  };
}

/** A digest that things have when nobody minds which. */
export const DIGEST: string = `sha256:${"7a".repeat(32)}`;

/** An engine whose operations give `make()`, and that knows every image. */
export function working(make: () => Response, speaks: string = "1.41"): ScriptedEngine {
  return scripted(({ method }) => method === "POST" ? make() : json(inspected()), { speaks });
}

/** What an engine says of a pull that goes well. */
export function pulled(): Response {
  return messages(
    { status: "Pulling from app", id: "1" },
    { status: "Pulling fs layer", progressDetail: {}, id: "8c1d" },
    { status: "Downloading", progressDetail: { current: 1024, total: 99000 }, id: "8c1d" },
    { status: "Pull complete", progressDetail: {}, id: "8c1d" },
    { status: `Digest: ${DIGEST}` },
    { status: "Status: Downloaded newer image for app:1" },
  );
}

/** A request as one line. */
export function line({ method, path, query }: Sent): string {
  const parameters = query.map(([key, value]) => `${key}=${value}`).join("&");
  return `${method} ${path}${parameters === "" ? "" : `?${parameters}`}`;
}

/** Everything that an operation reports. */
export async function eventsOf<Event>(operation: AsyncIterable<Event>): Promise<Event[]> {
  const events: Event[] = [];
  for await (const event of operation) events.push(event);
  return events;
}

/** The error of a promise that has to fail. */
export async function failure(work: PromiseLike<unknown>): Promise<Record<string, unknown>> {
  try {
    await work;
  } catch (error) {
    return error as Record<string, unknown>;
  }
  throw new Error("it should have failed");
}

/** Everything of a stream; its error arrives as it is. */
export async function bytesOf(stream: ByteStream): Promise<Bytes> {
  const reader = stream.getReader();
  const parts: number[] = [];
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return new Uint8Array(parts);
    for (const byte of value) parts.push(byte);
  }
}
