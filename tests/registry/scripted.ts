import type { Bytes } from "../../lib/model/bytes.ts";
import type { Descriptor } from "../../lib/model/descriptor.ts";
import type { Transport } from "../../lib/model/transport.ts";
import { digestBytes } from "../../lib/hash/mod.ts";
import {
  Registry,
  type RegistryEvent,
  type RegistryOptions,
  type Repository,
} from "../../lib/registry/mod.ts";
import { FakeClock } from "./fake_clock.ts";

/** A request as a transport saw it. */
export interface Seen {
  readonly method: string;
  readonly url: string;
  readonly path: string;
  readonly headers: Headers;
}

/** Answers one request; `undefined` means 404. */
export type Script = (
  request: Request,
  seen: Seen,
  count: number,
) => Response | Promise<Response> | undefined;

/** A transport that answers by a script and writes down what it was asked. */
export interface ScriptedTransport extends Transport {
  readonly seen: Seen[];
}

export function scripted(script: Script): ScriptedTransport {
  const seen: Seen[] = [];
  const send = async (request: Request): Promise<Response> => {
    const { pathname, search } = new URL(request.url);
    const entry = {
      method: request.method,
      url: request.url,
      path: pathname + search,
      headers: new Headers(request.headers),
    };
    seen.push(entry);
    return await script(request, entry, seen.length) ?? errorResponse(404, "MANIFEST_UNKNOWN");
  };
  return Object.assign(send, { seen });
}

/** What most tests need: a repository over a script, with a clock that jumps. */
export interface Bench {
  readonly transport: ScriptedTransport;
  readonly registry: Registry;
  readonly repository: Repository;
  readonly clock: FakeClock;
  readonly events: RegistryEvent[];
}

export const HOST = "registry.example";

export function bench(
  script: Script,
  options: RegistryOptions & { host?: string; name?: string } = {},
): Bench {
  const transport = scripted(script);
  const clock = new FakeClock();
  const events: RegistryEvent[] = [];
  const registry = new Registry(options.host ?? HOST, {
    transport: Object.assign((request: Request) => transport(request), {
      traits: options.transport?.traits,
    }),
    clock,
    onEvent: (event) => events.push(event),
    ...options,
    ...(options.transport === undefined ? {} : { transport: options.transport }),
    retry: { random: () => 0.5, ...options.retry },
  });
  const repository = registry.repository(options.name ?? "acme/app");
  return { transport, registry, repository, clock, events };
}

export function utf8(text: string): Bytes {
  return new TextEncoder().encode(text);
}

export function descriptorOf(bytes: Bytes, mediaType: string): Descriptor {
  return { mediaType, digest: digestBytes("sha256", bytes), size: bytes.byteLength };
}

export const OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json";
export const OCI_INDEX = "application/vnd.oci.image.index.v1+json";
export const OCI_CONFIG = "application/vnd.oci.image.config.v1+json";
export const OCI_LAYER = "application/vnd.oci.image.layer.v1.tar";
export const OCI_LAYER_GZIP = "application/vnd.oci.image.layer.v1.tar+gzip";
export const SCHEMA1 = "application/vnd.docker.distribution.manifest.v1+prettyjws";
export const DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json";

/** A document with its descriptor. */
export interface Sample {
  readonly raw: Bytes;
  readonly descriptor: Descriptor;
}

export function sample(value: unknown, mediaType: string): Sample {
  const raw = utf8(JSON.stringify(value));
  return { raw, descriptor: descriptorOf(raw, mediaType) };
}

export const CONFIG: Sample = sample({
  os: "linux",
  architecture: "amd64",
  rootfs: { type: "layers", diff_ids: [] },
}, OCI_CONFIG);

export const MANIFEST: Sample = sample({
  schemaVersion: 2,
  mediaType: OCI_MANIFEST,
  config: CONFIG.descriptor,
  layers: [],
}, OCI_MANIFEST);

export function index(manifests: readonly Descriptor[]): Sample {
  return sample({ schemaVersion: 2, mediaType: OCI_INDEX, manifests }, OCI_INDEX);
}

/** The answer a good registry gives for content. */
export function answer(
  content: Sample,
  request: Request,
  headers: Record<string, string | undefined> = {},
  init: ResponseInit = {},
): Response {
  const all = new Headers({
    "content-type": content.descriptor.mediaType,
    "content-length": String(content.raw.byteLength),
    "docker-content-digest": content.descriptor.digest,
  });
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined) all.delete(name);
    else all.set(name, value);
  }
  const body = request.method === "HEAD" ? null : content.raw;
  return new Response(body, { ...init, headers: all });
}

export function errorResponse(
  status: number,
  code: string,
  headers: Record<string, string> = {},
  message = "",
): Response {
  return new Response(JSON.stringify({ errors: [{ code, message }] }), {
    status,
    headers: { "content-type": "application/json", ...headers },
  });
}

export function redirect(location: string | null, status = 307): Response {
  return new Response(null, { status, headers: location === null ? {} : { location } });
}

/** Bytes that look like nothing, the same each time. */
export function noise(length: number, seed = 1): Bytes {
  const bytes = new Uint8Array(length);
  let state = seed >>> 0 || 1;
  for (let i = 0; i < length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[i] = state;
  }
  return bytes;
}

/** Reads a stream; its error arrives as it is, which browsers do not do for a `Response`. */
export async function readAllBytes(stream: ReadableStream<Uint8Array>): Promise<Bytes> {
  const reader = stream.getReader();
  const chunks: Uint8Array[] = [];
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    chunks.push(value);
  }
  const bytes = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.byteLength;
  }
  return bytes;
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

/** The error of a promise that has to fail. */
export async function failure(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("it should have failed");
}
