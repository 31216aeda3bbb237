import assert from "node:assert/strict";
import { digestBytes } from "../../lib/hash/digest_bytes.ts";
import type { Bytes, ByteStream } from "../../lib/model/bytes.ts";
import type { Transport } from "../../lib/model/transport.ts";
import { registryHandler, type RegistryHandlerOptions } from "../../lib/server/mod.ts";
import { memoryStore } from "../../lib/store/memory_store.ts";

export const OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json";
export const OCI_INDEX = "application/vnd.oci.image.index.v1+json";
export const OCI_CONFIG = "application/vnd.oci.image.config.v1+json";
export const OCI_LAYER = "application/vnd.oci.image.layer.v1.tar";
export const ORIGIN = "http://registry.test";

export function utf8(text: string): Bytes {
  return new TextEncoder().encode(text) as Bytes;
}

export function sha256(content: string | Bytes): string {
  return digestBytes("sha256", typeof content === "string" ? utf8(content) : content);
}

export function sha512(content: string | Bytes): string {
  return digestBytes("sha512", typeof content === "string" ? utf8(content) : content);
}

/** Bytes that only depend on a seed. */
export function noise(length: number, seed = 1): Bytes {
  const bytes = new Uint8Array(length);
  let state = Math.imul(seed, 2654435761) + 1;
  for (let i = 0; i < length; i++) {
    state = Math.imul(state ^ (state >>> 15), 2246822519) + 374761393;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

/** A registry in memory, and what it was told about failures. */
export function registry(options: RegistryHandlerOptions = {}): Transport {
  return registryHandler(memoryStore(), options);
}

export interface SendOptions {
  readonly body?: string | Bytes | ByteStream;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Sends a request, and holds that the answer is well-formed. */
export async function send(
  handler: Transport,
  method: string,
  path: string,
  { body, headers = {} }: SendOptions = {},
): Promise<Response> {
  const isStream = body instanceof ReadableStream;
  const init = { method, headers, ...(body === undefined ? {} : { body }) };
  const request = new Request(
    ORIGIN + path,
    (isStream ? { ...init, duplex: "half" } : init) as RequestInit,
  );
  return checked(method, path, await handler(request));
}

/**
 * Sends a request as servers hand them over, with its Content-Length: a `Request` that was made by
 * hand has none.
 */
export async function sendWire(
  handler: Transport,
  method: string,
  path: string,
  { body = "", headers = {} }: SendOptions = {},
): Promise<Response> {
  const bytes = body instanceof ReadableStream || body === "" ? undefined : new Response(body);
  const length = body instanceof ReadableStream
    ? {}
    : { "content-length": String(typeof body === "string" ? utf8(body).length : body.length) };
  const request = {
    method,
    url: ORIGIN + path,
    headers: new Headers({ ...length, ...headers }),
    body: body instanceof ReadableStream ? body : bytes?.body ?? null,
    signal: new AbortController().signal,
  } as unknown as Request;
  return checked(method, path, await handler(request));
}

function checked(method: string, path: string, response: Response): Response {
  const what = `${method} ${path}: ${response.status}`;
  if (method === "HEAD") assert.equal(response.body, null, what);
  if (response.status >= 400 && method !== "HEAD") {
    assert.equal(response.headers.get("content-type"), "application/json", what);
  }
  return response;
}

/** Gives the code of an error body. */
export async function codeOf(response: Response): Promise<string> {
  const body = await response.json() as { errors: { code: string; message: string }[] };
  assert.equal(body.errors.length, 1);
  const [error] = body.errors;
  assert.ok(error !== undefined && error.message.length > 0);
  return error.code;
}

/** Expects an error. */
export async function refused(
  response: Response,
  status: number,
  code: string,
  what?: string,
): Promise<void> {
  assert.equal(response.status, status, what);
  assert.equal(await codeOf(response), code, what);
}

/** Pushes a blob in two requests. */
export async function pushBlob(
  handler: Transport,
  repository: string,
  content: string | Bytes,
  digest: string = sha256(content),
): Promise<string> {
  const started = await send(handler, "POST", `/v2/${repository}/blobs/uploads/`);
  assert.equal(started.status, 202);
  const location = locationOf(started);
  const put = await sendWire(handler, "PUT", `${location}?digest=${digest}`, { body: content });
  assert.equal(put.status, 201, `PUT ${location}`);
  return digest;
}

export function locationOf(response: Response): string {
  const location = response.headers.get("location");
  assert.ok(location !== null && location.startsWith("/v2/"), `Location: ${location}`);
  return location;
}

export interface DescriptorLike {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

export function descriptorOf(mediaType: string, content: string | Bytes): DescriptorLike {
  const bytes = typeof content === "string" ? utf8(content) : content;
  return { mediaType, digest: sha256(bytes), size: bytes.length };
}

/** A manifest over a config and a layer, and what to push before it. */
export function imageParts(
  seed: string,
  extra: Readonly<Record<string, unknown>> = {},
): { config: string; layer: string; manifest: string; digest: string } {
  const config = JSON.stringify({
    architecture: "amd64",
    os: "linux",
    rootfs: { type: "layers", diff_ids: [] },
    author: seed,
  });
  const layer = `layer of ${seed}`;
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: descriptorOf(OCI_CONFIG, config),
    layers: [descriptorOf(OCI_LAYER, layer)],
    ...extra,
  });
  return { config, layer, manifest, digest: sha256(manifest) };
}

/** Pushes an image. */
export async function pushImage(
  handler: Transport,
  repository: string,
  reference: string | undefined,
  seed: string,
  extra: Readonly<Record<string, unknown>> = {},
): Promise<ReturnType<typeof imageParts>> {
  const parts = imageParts(seed, extra);
  await pushBlob(handler, repository, parts.config);
  await pushBlob(handler, repository, parts.layer);
  const put = await putManifest(handler, repository, reference ?? parts.digest, parts.manifest);
  assert.equal(put.status, 201);
  return parts;
}

export async function putManifest(
  handler: Transport,
  repository: string,
  reference: string,
  manifest: string | Bytes,
  contentType: string = OCI_MANIFEST,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  return await sendWire(handler, "PUT", `/v2/${repository}/manifests/${reference}`, {
    body: manifest,
    headers: { "content-type": contentType, ...headers },
  });
}

export async function statusOf(
  handler: Transport,
  method: string,
  path: string,
): Promise<number> {
  const response = await send(handler, method, path);
  await response.body?.cancel();
  return response.status;
}
