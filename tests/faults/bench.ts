/** What most tests of faults need: a registry that wants credentials, behind a proxy that breaks. */
import assert from "node:assert/strict";
import { type FaultRule, type FaultyTransport, faultyTransport } from "../../lib/testing/mod.ts";
import { digestBytes } from "../../lib/hash/mod.ts";
import type { Bytes, ByteStream } from "../../lib/model/bytes.ts";
import type { Descriptor } from "../../lib/model/descriptor.ts";
import { errorText } from "./error_text.ts";
import {
  Registry,
  type RegistryEvent,
  type RegistryOptions,
  type Repository,
  staticCredentials,
} from "../../lib/registry/mod.ts";
import { hostTransport } from "../../lib/runtime/host_transport.ts";
import { registryHandler } from "../../lib/server/mod.ts";
import { type MemoryStore, memoryStore } from "../../lib/store/mod.ts";
import {
  type FaultProxy,
  faultProxy,
  type WireExchange,
  type WireRule,
} from "../support/fault_proxy.ts";
import { QuietClock } from "./quiet_clock.ts";

/** The media type of blobs here. */
export const LAYER = "application/vnd.oci.image.layer.v1.tar";

/** The repository of the bench. */
export const NAME = "acme/app";

/** What goes wrong, and how the client is made. */
export interface BenchOptions extends RegistryOptions {
  /** What is wrong with the wire. */
  readonly wire?: readonly WireRule[];
  /** What is wrong with answers. */
  readonly answers?: readonly FaultRule[];
  /** Stands in for the registry; gets what the client sends with good credentials. */
  readonly handler?: Handler;
}

export interface Bench {
  readonly store: MemoryStore;
  readonly proxy: FaultProxy;
  /** The registry behind the proxy. */
  readonly behind: FaultyTransport;
  readonly clock: QuietClock;
  readonly registry: Registry;
  readonly repository: Repository;
  readonly events: RegistryEvent[];
  /** What came over the wire for a method and a kind of path. */
  sent(method: string, path?: RegExp): WireExchange[];
}

const USERNAME = "canary-user";
const PASSWORD = "canary-password";
const PAIR = btoa(`${USERNAME}:${PASSWORD}`);

/** Runs work with a client, a proxy and a registry, all on this machine and all real. */
export async function withBench(
  options: BenchOptions,
  work: (bench: Bench) => Promise<void>,
): Promise<void> {
  const { wire = [], answers = [], handler, ...client } = options;
  const store = memoryStore();
  const clock = new QuietClock(() => proxy);
  const sleep = (ms: number) => clock.sleep(ms);
  const behind = faultyTransport(handler ?? registryHandler(store), answers, { sleep });
  const proxy = await faultProxy(guarded(behind), wire, { sleep });
  const events: RegistryEvent[] = [];
  const host = `127.0.0.1:${proxy.port}`;
  const registry = new Registry(host, {
    transport: hostTransport(),
    clock,
    credentials: staticCredentials(host, {
      kind: "basic",
      username: USERNAME,
      password: PASSWORD,
    }),
    onEvent: (event) => events.push(event),
    ...client,
    retry: { random: () => 0.5, ...client.retry },
  });
  try {
    // From here on the client knows that the registry wants Basic, and sends it unasked.
    await registry.authenticate();
    proxy.exchanges.length = 0;
    await work({
      store,
      proxy,
      behind,
      clock,
      registry,
      repository: registry.repository(NAME),
      events,
      sent: (method, path = /./) =>
        proxy.exchanges.filter((one) => one.method === method && path.test(one.path)),
    });
  } finally {
    await proxy.close();
  }
}

type Handler = (request: Request) => Promise<Response>;

function guarded(handler: Handler): Handler {
  return async (request: Request): Promise<Response> => {
    if (request.headers.get("authorization") === `Basic ${PAIR}`) return await handler(request);
    await request.body?.cancel();
    return new Response(null, { status: 401, headers: { "www-authenticate": 'Basic realm="r"' } });
  };
}

/** Bytes that differ from place to place, the same each time. */
export function noise(length: number, seed = 1): Bytes {
  const words = new Uint32Array(Math.ceil(length / 4));
  let state = seed;
  for (let i = 0; i < words.length; i++) {
    state = Math.imul(state, 1664525) + 1013904223 | 0;
    words[i] = state ^ state >>> 15;
  }
  return new Uint8Array(words.buffer, 0, length);
}

export function describe(content: Bytes, mediaType: string = LAYER): Descriptor {
  return { mediaType, digest: digestBytes("sha256", content), size: content.byteLength };
}

/** Stores a blob so that the repository has it. */
export async function putBlob(
  { store }: Pick<Bench, "store">,
  content: Bytes,
): Promise<Descriptor> {
  const blob = describe(content);
  const config = { mediaType: "application/vnd.oci.image.config.v1+json", ...EMPTY_CONFIG };
  const mediaType = "application/vnd.oci.image.manifest.v1+json";
  const raw = new TextEncoder().encode(
    JSON.stringify({ schemaVersion: 2, mediaType, config, layers: [blob] }),
  );
  const manifest = describe(raw, mediaType);
  await store.push(blob, content);
  await store.push(config, CONFIG);
  await store.push(manifest, raw);
  await store.tag(manifest, `${NAME}:${blob.digest.slice("sha256:".length, 20)}`);
  return blob;
}

const CONFIG = new TextEncoder().encode('{"os":"linux","architecture":"amd64"}');
const EMPTY_CONFIG = { digest: digestBytes("sha256", CONFIG), size: CONFIG.byteLength };

/** Reads a stream to its end; gives how many bytes came, also when it fails. */
export async function drain(
  stream: ByteStream,
  seen: { bytes: number } = { bytes: 0 },
): Promise<number> {
  const reader = stream.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return seen.bytes;
    seen.bytes += value.byteLength;
  }
}

/** The error of work that has to fail; it holds no secret, however it is printed. */
export async function failure(work: Promise<unknown>): Promise<unknown> {
  const error = await work.then(() => undefined, (error: unknown) => error);
  assert.ok(error !== undefined, "it should have failed");
  const text = errorText(error);
  assert.doesNotMatch(text, /canary/, "a secret in an error");
  assert.ok(!text.includes(PAIR), "credentials in an error");
  return error;
}

/** Waits for something that happens on another side of a socket. */
export async function until(isTrue: () => boolean, what: string): Promise<void> {
  for (let i = 0; !isTrue(); i++) {
    assert.ok(i < 1000, `waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
