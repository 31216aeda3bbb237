/**
 * A server on loopback between lading's client and a registry handler, which breaks what goes over
 * the wire by rule. What goes wrong with the content of an answer (another status, other headers, a
 * flipped bit) is the business of `faultyTransport()`; here are the faults that only a socket has.
 */
import { type AddressInfo, createServer, type Socket } from "node:net";
import type { Bytes, ByteStream } from "../../lib/model/bytes.ts";
import { streamFrom } from "../../lib/bytes/mod.ts";
import { bytesInKernel } from "./kernel_queues.ts";
import { chunksOf, headOf, type RequestHead, WireReader, write } from "./fault_proxy_wire.ts";

/** What goes wrong on the wire. */
export type WireFault =
  /** The connection is reset before the request is read; the registry does not see it. */
  | { readonly kind: "refuse" }
  /** The registry does what it was asked, and the connection is reset before the answer. */
  | { readonly kind: "drop" }
  /** The request is read, and that is all. */
  | { readonly kind: "stall" }
  /** The answer begins, and its head never ends: one byte of it at a time. */
  | { readonly kind: "trickle-head"; readonly ms: number }
  /** The connection is reset after so many bytes of the body of the request have arrived. */
  | { readonly kind: "cut-request"; readonly after: number }
  /** The registry gets the first bytes of the body only; 202 says so, or 416 does. */
  | { readonly kind: "take-part"; readonly bytes: number; readonly status?: 202 | 416 }
  /** The connection is reset after so many bytes of the body of the answer. */
  | { readonly kind: "cut"; readonly after: number }
  /** The connection is closed in order after so many bytes of the body of the answer. */
  | { readonly kind: "end"; readonly after: number }
  /** Nothing comes any more after so many bytes of the body of the answer. */
  | { readonly kind: "stall-body"; readonly after: number }
  /** The answer has no length: its end is the end of the connection, which may come early. */
  | { readonly kind: "no-length"; readonly after?: number }
  /** The length in the head is wrong by so many bytes; the connection closes behind the body. */
  | { readonly kind: "lie-length"; readonly by: number }
  /** So many bytes come twice. */
  | { readonly kind: "duplicate"; readonly offset: number; readonly bytes: number }
  /** A chunk of the body of the answer comes behind so many milliseconds. */
  | { readonly kind: "trickle"; readonly bytes: number; readonly ms: number }
  /** The body is framed in chunks, the last of which never comes; then the connection closes. */
  | { readonly kind: "open-chunks"; readonly after: number }
  /** The answer comes when so many bytes of the body are there; then the connection is reset. */
  | {
    readonly kind: "early";
    readonly after: number;
    readonly status: number;
    readonly body: string;
  }
  /** Something that is no HTTP. */
  | { readonly kind: "garbage"; readonly text: string };

/** Which requests have a fault. */
export interface WireRule {
  /** A pattern for `GET /v2/acme/app/…`. */
  readonly on: RegExp;
  /** Which of those that match, counted from 1; default all. */
  readonly nth?: number | readonly number[];
  /** Matches only requests on a connection that has served one before. */
  readonly isReused?: boolean;
  readonly fault: WireFault;
}

/** A request that came to a {@linkcode FaultProxy}. */
export interface WireExchange {
  /** Which connection it came on, counted from 1. */
  readonly connection: number;
  readonly method: string;
  readonly path: string;
  readonly headers: Headers;
  /** Bytes of its body that arrived. */
  bytesIn: number;
  /** Bytes of the body of its answer that left. */
  bytesOut: number;
  /** The status that was answered; `undefined` as long as there is none. */
  status: number | undefined;
  /** Whether it was served to its end. */
  isOver: boolean;
}

export interface FaultProxy {
  readonly port: number;
  /** The requests so far, in order. */
  readonly exchanges: WireExchange[];
  /** How many connections are open. */
  readonly connections: number;
  /** Grows with everything that happens on the wire. */
  readonly activity: number;
  /** How many requests the registry works on. */
  readonly busy: number;
  close(): Promise<void>;
}

/** How to make a {@linkcode FaultProxy}. */
export interface FaultProxyOptions {
  /** Waits for trickles; default a real timer. */
  readonly sleep?: (ms: number) => Promise<void>;
}

type Handler = (request: Request) => Promise<Response>;

/**
 * Time for what the kernel has handed over to arrive before the connection breaks: runtimes drop what
 * they hold.
 */
const ARRIVAL_MS = 60;

/** How often the kernel is asked, 5 ms apart, whether it has: not every client reads all. */
const MOST_LOOKS = 400;

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
const forever = new Promise<never>(() => {});

/** Starts a proxy before a handler. */
export async function faultProxy(
  handler: Handler,
  rules: readonly WireRule[],
  options: FaultProxyOptions = {},
): Promise<FaultProxy> {
  const exchanges: WireExchange[] = [];
  const counts = new Map<WireRule, number>();
  const sockets = new Set<Socket>();
  let opened = 0;
  let activity = 0;
  let busy = 0;
  const working: Handler = async (request) => {
    busy++;
    try {
      return await handler(request);
    } finally {
      busy--;
    }
  };

  const faultOf = ({ method, path }: RequestHead, isReused: boolean): WireFault | undefined => {
    let fault: WireFault | undefined;
    for (const rule of rules) {
      if (!rule.on.test(`${method} ${path}`) || rule.isReused === true && !isReused) continue;
      const count = (counts.get(rule) ?? 0) + 1;
      counts.set(rule, count);
      const { nth = count } = rule;
      if (typeof nth === "number" ? nth === count : nth.includes(count)) fault ??= rule.fault;
    }
    return fault;
  };

  const serve = async (socket: Socket): Promise<void> => {
    const connection = ++opened;
    const wire = new WireReader(socket, () => void activity++);
    for (let served = 0;; served++) {
      const head = await wire.head();
      if (head === undefined) return;
      const exchange: WireExchange = {
        ...head,
        connection,
        bytesIn: 0,
        bytesOut: 0,
        status: undefined,
        isOver: false,
      };
      exchanges.push(exchange);
      const one = new Exchange(socket, wire, exchange, faultOf(head, served > 0), () => activity++);
      const isKept = await one.serve(working, options.sleep ?? pause);
      exchange.isOver = true;
      activity++;
      if (!isKept) return void socket.end();
    }
  };

  const server = createServer((socket) => {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
    serve(socket).catch(() => socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    exchanges,
    get connections() {
      return sockets.size;
    },
    get activity() {
      return activity;
    },
    get busy() {
      return busy;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/** One request and its answer. */
class Exchange {
  readonly #socket: Socket;
  readonly #wire: WireReader;
  readonly #log: WireExchange;
  readonly #fault: WireFault | undefined;
  readonly #tick: () => void;

  constructor(
    socket: Socket,
    wire: WireReader,
    log: WireExchange,
    fault: WireFault | undefined,
    tick: () => void,
  ) {
    this.#socket = socket;
    this.#wire = wire;
    this.#log = log;
    this.#fault = fault;
    this.#tick = tick;
  }

  /** Serves it; tells whether the connection can serve another one. */
  async serve(handler: Handler, sleep: (ms: number) => Promise<void>): Promise<boolean> {
    const fault = this.#fault;
    if (fault?.kind === "refuse") return this.#reset();
    if (fault?.kind === "early") return await this.#answerEarly(fault);
    const response = await this.#answer(handler);
    if (response === undefined) return false;
    const body = response.body as ByteStream | null;
    if (fault?.kind === "drop") {
      await body?.cancel();
      return this.#reset();
    }
    if (fault?.kind === "stall") return await forever;
    if (fault?.kind === "garbage") {
      await this.#write(fault.text);
      return false;
    }
    this.#log.status = response.status;
    const framing = this.#framing(response);
    const head = headOf(response.status, framing.headers);
    if (fault?.kind === "trickle-head") {
      for (const character of head) {
        await sleep(fault.ms);
        await this.#write(character);
      }
    } else await this.#write(head);
    if (body === null || this.#log.method === "HEAD") {
      await body?.cancel();
      return framing.isKept;
    }
    return await this.#send(body, framing, sleep);
  }

  async #answerEarly(
    { after, status, body }: Extract<WireFault, { readonly kind: "early" }>,
  ): Promise<boolean> {
    const arriving = this.#arriving();
    while (this.#log.bytesIn < after && (await arriving.next()).done !== true);
    this.#log.status = status;
    const headers = new Headers({
      "content-type": "application/json",
      "content-length": String(new TextEncoder().encode(body).byteLength),
    });
    await this.#write(headOf(status, headers) + body);
    await this.#arrived();
    return this.#reset();
  }

  /** Asks the handler; reads what it leaves of the body. */
  async #answer(handler: Handler): Promise<Response | undefined> {
    const fault = this.#fault;
    const { method, path } = this.#log;
    const headers = new Headers(this.#log.headers);
    const arriving = this.#arriving();
    if (fault?.kind === "stall") {
      for await (const _ of arriving);
      return new Response(null);
    }
    const hasBody = method !== "GET" && method !== "HEAD";
    if (fault?.kind === "take-part") shorten(headers, fault.bytes);
    const body = hasBody ? streamFrom(this.#passing(arriving)) : undefined;
    const url = `http://${headers.get("host")}${path}`;
    const init = { method, headers, ...(body === undefined ? {} : { body, duplex: "half" }) };
    const response = await handler(new Request(url, init as RequestInit));
    if (this.#socket.destroyed) return undefined;
    for await (const _ of arriving);
    if (fault?.kind !== "take-part" || fault.status !== 416) return response;
    return new Response(null, { status: 416, headers: response.headers });
  }

  async *#arriving(): AsyncGenerator<Bytes, void, undefined> {
    for await (const chunk of this.#wire.body(this.#log.headers)) {
      this.#log.bytesIn += chunk.byteLength;
      yield chunk;
    }
  }

  /** What the registry gets of the body. */
  async *#passing(arriving: AsyncGenerator<Bytes>): AsyncGenerator<Bytes, void, undefined> {
    const fault = this.#fault;
    const isCut = fault?.kind === "cut-request";
    let left = isCut ? fault.after : fault?.kind === "take-part" ? fault.bytes : Infinity;
    while (left > 0) {
      const { done, value } = await arriving.next();
      if (done === true) return;
      yield value.subarray(0, left);
      left -= value.byteLength;
    }
    if (!isCut) return;
    this.#reset();
    throw new Error("the client left");
  }

  #framing(response: Response): {
    readonly headers: Headers;
    readonly isChunked: boolean;
    readonly isKept: boolean;
  } {
    const fault = this.#fault;
    const headers = new Headers(response.headers);
    let isKept = !["end", "lie-length", "duplicate", "open-chunks"].includes(fault?.kind ?? "");
    if (fault?.kind === "no-length" || fault?.kind === "open-chunks") {
      headers.delete("content-length");
    }
    if (fault?.kind === "lie-length") {
      const length = Number(headers.get("content-length"));
      headers.set("content-length", String(length + fault.by));
    }
    const hasLength = headers.has("content-length");
    const isEmpty = response.body === null || this.#log.method === "HEAD";
    if (!hasLength && response.body === null && response.status !== 204) {
      headers.set("content-length", "0");
    }
    const isChunked = !isEmpty && !hasLength && fault?.kind !== "no-length";
    if (isChunked) headers.set("transfer-encoding", "chunked");
    if (fault?.kind === "no-length") isKept = false;
    if (!isKept) headers.set("connection", "close");
    return { headers, isChunked, isKept };
  }

  async #send(
    body: ByteStream,
    { isChunked, isKept }: { readonly isChunked: boolean; readonly isKept: boolean },
    sleep: (ms: number) => Promise<void>,
  ): Promise<boolean> {
    const fault = this.#fault;
    let left = fault !== undefined && "after" in fault ? fault.after ?? Infinity : Infinity;
    for await (const whole of this.#pieces(body)) {
      const chunk = whole.subarray(0, left);
      left -= chunk.byteLength;
      if (fault?.kind === "trickle") await sleep(fault.ms);
      if (chunk.byteLength > 0) {
        const length = chunk.byteLength.toString(16);
        if (isChunked) await this.#write(`${length}\r\n`);
        await this.#write(chunk);
        if (isChunked) await this.#write("\r\n");
        this.#log.bytesOut += chunk.byteLength;
      }
      if (left === 0) break;
    }
    if (fault?.kind === "stall-body") return await forever;
    if (left === 0) await this.#arrived();
    if (fault?.kind === "cut") return this.#reset();
    if (isChunked && fault?.kind !== "open-chunks") await this.#write("0\r\n\r\n");
    return isKept;
  }

  /** Cuts the body at the places where something happens to it. */
  async *#pieces(body: ByteStream): AsyncGenerator<Bytes, void, undefined> {
    const fault = this.#fault;
    let at = 0;
    for await (const chunk of chunksOf(body)) {
      const end = at + chunk.byteLength;
      if (fault?.kind === "trickle") {
        for (let from = 0; from < chunk.byteLength; from += fault.bytes) {
          yield chunk.subarray(from, from + fault.bytes);
        }
      } else if (fault?.kind === "duplicate" && fault.offset >= at && fault.offset < end) {
        const from = fault.offset - at;
        yield chunk.subarray(0, from + fault.bytes);
        yield chunk.subarray(from);
      } else yield chunk;
      at = end;
    }
  }

  async #write(bytes: Uint8Array | string): Promise<void> {
    await write(this.#socket, bytes);
    this.#tick();
  }

  /** Waits until the client has what was written. */
  async #arrived(): Promise<void> {
    const { localPort, remotePort } = this.#socket;
    for (let looks = 0; looks < MOST_LOOKS; looks++) {
      if (!bytesInKernel(localPort ?? 0, remotePort)) break;
      await pause(5);
    }
    await pause(ARRIVAL_MS);
  }

  #reset(): false {
    this.#socket.resetAndDestroy();
    return false;
  }
}

/** Makes a request out of a longer one: its first bytes. */
function shorten(headers: Headers, bytes: number): void {
  if (headers.has("content-length")) headers.set("content-length", String(bytes));
  const start = Number(/^\d+/.exec(headers.get("content-range") ?? "")?.[0] ?? NaN);
  if (!Number.isNaN(start)) headers.set("content-range", `${start}-${start + bytes - 1}`);
}
