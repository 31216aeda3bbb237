import type { Bytes, ByteStream } from "../model/bytes.ts";
import type { Transport } from "../model/transport.ts";
import { through } from "../bytes/through.ts";

/** What goes wrong with a request. Faults of several rules add up. */
export type Fault =
  /** No connection: the request does not arrive. */
  | { readonly kind: "refuse" }
  /** The request arrives and is answered, and the answer is lost. */
  | { readonly kind: "drop" }
  /** The request arrives and is never answered. */
  | { readonly kind: "stall" }
  /** The answer comes later, by this many milliseconds. */
  | { readonly kind: "delay"; readonly ms: number }
  /** Something else answers; the request does not arrive. */
  | {
    readonly kind: "status";
    readonly status: number;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: string;
  }
  /** Headers of the answer are changed; `null` takes one away. */
  | { readonly kind: "headers"; readonly headers: Readonly<Record<string, string | null>> }
  /** The connection breaks after this many bytes of the body. */
  | { readonly kind: "cut"; readonly after: number }
  /** The body ends after this many bytes as if it were whole. */
  | { readonly kind: "end"; readonly after: number }
  /** Nothing comes any more after this many bytes of the body. */
  | { readonly kind: "stall-body"; readonly after: number }
  /** One bit of the byte at this place is turned round. */
  | { readonly kind: "flip"; readonly offset: number }
  /** This many bytes come behind the end. */
  | { readonly kind: "append"; readonly bytes: number }
  /** The body comes in pieces, with a pause before each. */
  | { readonly kind: "throttle"; readonly bytes: number; readonly ms: number }
  /** The server knows no ranges. */
  | { readonly kind: "ignore-range" }
  /** The server says that a range starts elsewhere, by this many bytes. */
  | { readonly kind: "shift-range"; readonly by: number };

/** Which requests have a fault. */
export interface FaultRule {
  /** The method; default any. */
  readonly method?: string | undefined;
  /** A pattern for the path with its query; default any. */
  readonly path?: RegExp | undefined;
  /** Which of the requests that match, counted from 1; default all. */
  readonly nth?: number | readonly number[] | undefined;
  /** What goes wrong. */
  readonly fault: Fault;
}

/** A request that went through a {@linkcode FaultyTransport}. */
export interface FaultyExchange {
  /** The method. */
  readonly method: string;
  /** The URL with its query. */
  readonly url: string;
  /** The headers of the request. */
  readonly headers: Headers;
  /** The status of the answer; `undefined` as long as there is none. */
  status: number | undefined;
  /** Bytes of the body that were handed on. */
  bytes: number;
  /** Whether the body was cancelled before its end. */
  isCancelled: boolean;
  /** The faults it had. */
  readonly faults: readonly Fault["kind"][];
}

/** A transport that goes wrong on request, and remembers what it was asked. */
export interface FaultyTransport extends Transport {
  /** What was asked, in order. */
  readonly exchanges: readonly FaultyExchange[];
}

/** Options of {@linkcode faultyTransport}. */
export interface FaultyTransportOptions {
  /** Waits; default a real timer. */
  readonly sleep?: ((ms: number) => Promise<void>) | undefined;
}

/**
 * Wraps a transport so that it cuts, stalls, flips, delays or answers otherwise by rule. It has no
 * randomness: a test says what goes wrong, and when. Bodies stay streams.
 *
 * @param transport The transport that works.
 * @param rules What goes wrong with which requests.
 * @param options How to wait.
 * @returns The transport, with what went through it.
 *
 * @example The second request breaks after ten bytes
 * ```ts
 * import { faultyTransport } from "@lading/lading/testing";
 *
 * const transport = faultyTransport(
 *   () => Promise.resolve(new Response("hello, world")),
 *   [{ method: "GET", nth: 2, fault: { kind: "cut", after: 10 } }],
 * );
 * console.log(await (await transport(new Request("http://test/"))).text()); // hello, world
 * await (await transport(new Request("http://test/"))).text().catch((error) => {
 *   console.log(error.message); // the connection broke after 10 bytes
 * });
 * ```
 */
export function faultyTransport(
  transport: Transport,
  rules: readonly FaultRule[],
  options: FaultyTransportOptions = {},
): FaultyTransport {
  const sleep = options.sleep ??
    ((ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms)));
  const counts = new Map<FaultRule, number>();
  const exchanges: FaultyExchange[] = [];

  const send = async (request: Request): Promise<Response> => {
    const faults = rules.filter((rule) => applies(rule, request, counts)).map(({ fault }) => fault);
    const exchange: FaultyExchange = {
      method: request.method,
      url: request.url,
      headers: new Headers(request.headers),
      status: undefined,
      bytes: 0,
      isCancelled: false,
      faults: faults.map(({ kind }) => kind),
    };
    exchanges.push(exchange);
    const response = await deliver(transport, request, faults, sleep);
    exchange.status = response.status;
    return damage(response, faults, sleep, exchange);
  };
  const traits = transport.traits === undefined ? {} : { traits: transport.traits };
  return Object.assign(send, { exchanges }, traits);
}

function applies(rule: FaultRule, request: Request, counts: Map<FaultRule, number>): boolean {
  const { pathname, search } = new URL(request.url);
  if (rule.method !== undefined && rule.method !== request.method) return false;
  if (rule.path !== undefined && !rule.path.test(pathname + search)) return false;
  const count = (counts.get(rule) ?? 0) + 1;
  counts.set(rule, count);
  const { nth = count } = rule;
  return typeof nth === "number" ? nth === count : nth.includes(count);
}

/** What runtimes throw when a connection fails. */
function networkError(message: string): TypeError {
  return new TypeError(message, {
    cause: Object.assign(new Error(message), { code: "ECONNRESET" }),
  });
}

/** Never settles but by the signal. */
function never(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) return reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

async function deliver(
  transport: Transport,
  request: Request,
  faults: readonly Fault[],
  sleep: (ms: number) => Promise<void>,
): Promise<Response> {
  const { signal } = request;
  let asked = request;
  for (const fault of faults) {
    if (fault.kind === "refuse") throw networkError("connection refused");
    if (fault.kind === "delay") await sleep(fault.ms);
    if (fault.kind === "status") {
      return new Response(request.method === "HEAD" ? null : fault.body ?? null, {
        status: fault.status,
        headers: { ...fault.headers },
      });
    }
    if (fault.kind === "ignore-range") {
      asked = new Request(asked);
      asked.headers.delete("range");
    }
  }
  const response = await transport(asked);
  for (const { kind } of faults) {
    if (kind !== "drop" && kind !== "stall") continue;
    await response.body?.cancel();
    if (kind === "stall") return await never(signal);
    throw networkError("the connection broke before the answer");
  }
  return response;
}

function damage(
  response: Response,
  faults: readonly Fault[],
  sleep: (ms: number) => Promise<void>,
  exchange: FaultyExchange,
): Response {
  const headers = new Headers(response.headers);
  let body = response.body as ByteStream | null;
  for (const fault of faults) {
    if (fault.kind === "headers") {
      for (const [name, value] of Object.entries(fault.headers)) {
        if (value === null) headers.delete(name);
        else headers.set(name, value);
      }
    }
    if (fault.kind === "shift-range") {
      const range = headers.get("content-range") ?? "";
      headers.set(
        "content-range",
        range.replace(/\d+/, (start) => String(Number(start) + fault.by)),
      );
    }
    if (body !== null) body = damageBody(body, fault, sleep);
  }
  if (body !== null) body = counted(body, exchange);
  const { status, statusText } = response;
  return new Response(body, { status, statusText, headers });
}

function damageBody(
  body: ByteStream,
  fault: Fault,
  sleep: (ms: number) => Promise<void>,
): ByteStream {
  switch (fault.kind) {
    case "cut":
      return upTo(body, fault.after, () => {
        throw networkError(`the connection broke after ${fault.after} bytes`);
      });
    case "end":
      return upTo(body, fault.after, () => Promise.resolve());
    case "stall-body":
      return upTo(body, fault.after, () => new Promise(() => {}));
    case "flip":
      return flipped(body, fault.offset);
    case "append":
      return appended(body, fault.bytes);
    case "throttle":
      return throttled(body, fault.bytes, () => sleep(fault.ms));
    default:
      return body;
  }
}

/** Hands bytes on up to a place; there something else happens. */
function upTo(source: ByteStream, after: number, then: () => Promise<void>): ByteStream {
  const reader = source.getReader();
  let left = after;
  return new ReadableStream<Bytes>({
    async pull(controller) {
      const { done, value } = left > 0 ? await reader.read() : { done: true, value: undefined };
      const chunk = value?.subarray(0, left);
      if (chunk !== undefined && chunk.byteLength > 0) {
        left -= chunk.byteLength;
        return controller.enqueue(chunk);
      }
      if (left > 0 && done) return controller.close();
      try {
        await then();
        controller.close();
      } finally {
        reader.cancel().catch(() => {});
      }
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
}

function flipped(source: ByteStream, offset: number): ByteStream {
  let at = 0;
  return through(source, {
    chunk(chunk) {
      const place = offset - at;
      at += chunk.byteLength;
      if (place < 0 || place >= chunk.byteLength) return chunk;
      const copy = chunk.slice();
      copy[place] = (copy[place] ?? 0) ^ 1;
      return copy;
    },
  });
}

function appended(source: ByteStream, bytes: number): ByteStream {
  const reader = source.getReader();
  let isOver = false;
  return new ReadableStream<Bytes>({
    async pull(controller) {
      if (isOver) return controller.close();
      const { done, value } = await reader.read();
      isOver = done;
      controller.enqueue(value ?? new Uint8Array(bytes));
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
}

function throttled(source: ByteStream, bytes: number, pause: () => Promise<void>): ByteStream {
  const reader = source.getReader();
  let held: Bytes = new Uint8Array();
  return new ReadableStream<Bytes>({
    async pull(controller) {
      if (held.byteLength === 0) {
        const { done, value } = await reader.read();
        if (done) return controller.close();
        held = value;
      }
      await pause();
      controller.enqueue(held.subarray(0, bytes));
      held = held.subarray(bytes);
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
}

function counted(source: ByteStream, exchange: FaultyExchange): ByteStream {
  const reader = source.getReader();
  return new ReadableStream<Bytes>({
    async pull(controller) {
      const { done, value } = await reader.read();
      if (done) return controller.close();
      exchange.bytes += value.byteLength;
      controller.enqueue(value);
    },
    cancel(reason) {
      exchange.isCancelled = true;
      return reader.cancel(reason);
    },
  }, { highWaterMark: 0 });
}
