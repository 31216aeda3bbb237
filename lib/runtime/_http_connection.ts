import type { OnReadOpts, Socket } from "node:net";
import type * as NetModule from "node:net";
import type * as TLSModule from "node:tls";
import type { Bytes } from "../model/bytes.ts";
import { Exchange } from "./_http_exchange.ts";
import { type BodySink, sendBody } from "./_http_request_body.ts";

/** How much a socket may give at once. Sockets that read into one buffer are twice as fast. */
const RECEIVE_BYTES = 256 * 1024;

/** How long a connection waits for its next request; servers close them after 5 s and more. */
const IDLE_MS = 4000;

/** Methods whose requests have no content, and need not say so (RFC 9110 §8.6). */
const WITHOUT_CONTENT: ReadonlySet<string> = new Set(["GET", "HEAD", "DELETE"]);

/** What TLS is to be done with, besides what the runtime does by itself. */
export interface TLSSettings {
  /** Certificates of authorities that are trusted too, in PEM. */
  readonly ca?: string | undefined;
  /** Whether nobody but `ca` is trusted. */
  readonly isExclusive?: boolean | undefined;
  /** The certificate of the client, in PEM. */
  readonly cert?: string | undefined;
  /** Its private key, in PEM. */
  readonly key?: string | undefined;
  /** `false` takes any certificate. */
  readonly verify?: boolean | undefined;
}

/** The modules that connections are made with. */
export interface ConnectionModules {
  readonly net: typeof NetModule;
  readonly tls: typeof TLSModule;
  /** Whether plain sockets can be given one buffer to read into, and nothing is copied for it. */
  readonly readsIntoBuffer: boolean;
  /** Whether nobody else holds the bytes that come with the event of a socket. */
  readonly givesBytes: boolean;
  /** How many bytes are read ahead of a consumer. */
  readonly readAheadBytes: number;
}

/** Enough to keep a socket busy meanwhile. */
export const READ_AHEAD_BYTES: number = 256 * 1024;

/** Where a connection goes, and how. */
export interface ConnectionTarget {
  readonly url: URL;
  /** A connection to the host that TLS is to be spoken over; default a new one. */
  readonly socket?: Socket | undefined;
  /** A socket of the file system, or a named pipe, which goes before the host of the address. */
  readonly path?: string | undefined;
  readonly settings: TLSSettings;
  /** A TLS session to continue. */
  readonly session: Uint8Array | undefined;
  /** Gets TLS sessions that can be continued. */
  onSession(session: Uint8Array): void;
  /** Called once it cannot be used any more. */
  readonly onClosed?: (() => void) | undefined;
}

/** A connection to an HTTP/1.1 server; it carries one exchange at a time. */
export class Connection {
  readonly #socket: Socket;
  readonly #onClosed: (() => void) | undefined;
  readonly #readAheadBytes: number;
  #exchange: Exchange | undefined;
  #onFree: () => void = () => {};
  #onRoom: () => void = () => {};
  #onClose: () => void = () => {};
  #isClosed = false;
  #isSent = true;
  #uses = 0;
  #idleSince = 0;

  /**
   * Connects. A failure to do so is one of the first exchange.
   *
   * @param modules The modules of the host.
   * @param target Where to.
   */
  constructor(modules: ConnectionModules, target: ConnectionTarget) {
    const { net, tls, readsIntoBuffer, givesBytes } = modules;
    this.#readAheadBytes = modules.readAheadBytes;
    const { url, path, session, settings } = target;
    this.#onClosed = target.onClosed;
    // URL writes an IPv6 address in brackets.
    const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
    if (url.protocol === "https:") {
      const socket = tls.connect({
        host,
        port: Number(url.port || 443),
        ...(target.socket === undefined ? {} : { socket: target.socket }),
        ALPNProtocols: ["http/1.1"],
        // An address is no server name (RFC 6066 §3).
        ...(net.isIP(host) === 0 ? { servername: host } : {}),
        ...(session === undefined ? {} : { session: session as Buffer }),
        ...tlsOptions(settings, tls),
      });
      socket.on("session", (session) => target.onSession(session));
      this.#socket = socket;
    } else {
      this.#socket = net.connect({
        ...(path === undefined ? { host, port: Number(url.port || 80) } : { path }),
        ...(readsIntoBuffer ? { onread: this.#reading() } : {}),
      });
    }
    if (url.protocol === "https:" || !readsIntoBuffer) {
      this.#socket.on("data", (bytes: Buffer<ArrayBuffer>) => {
        if (!this.#take(bytes, givesBytes)) this.#socket.pause();
      });
    }
    this.#socket.setNoDelay(true);
    this.#socket.on("error", (error) => this.#end(error));
    this.#socket.on("end", () => this.#end(undefined));
    this.#socket.on("close", () => this.#end(undefined));
    this.#socket.on("timeout", () => this.close());
    this.#socket.on("drain", () => this.#onRoom());
  }

  /** Whether it cannot be used any more. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** For how long it has been waiting for its next request. */
  get idleMs(): number {
    return Date.now() - this.#idleSince;
  }

  /** Whether it carried an exchange before the current one. */
  get isReused(): boolean {
    return this.#uses > 1;
  }

  /**
   * Sends a request.
   *
   * @param request The request.
   * @param url Its address.
   * @param onFree Called when the connection can carry the next one.
   * @returns The exchange.
   */
  send(request: Request, url: URL, onFree: () => void): Exchange {
    this.#uses++;
    this.#onFree = onFree;
    this.#socket.ref();
    this.#socket.setTimeout(0);
    const exchange = new Exchange(request, {
      readAheadBytes: this.#readAheadBytes,
      resume: () => this.#socket.resume(),
      close: () => this.close(),
    });
    this.#exchange = exchange;
    const { signal } = request;
    // Holds the request too: Node collects one that is only waited for, and its signal with it.
    const onAbort = (): void => exchange.fail(request.signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    // Who has refused a request does not want the rest of it (RFC 9112 §9.5).
    exchange.onRefused = () => this.#stopBody();
    exchange.onOver = () => {
      signal.removeEventListener("abort", onAbort);
      this.#stopBody();
    };
    this.#socket.write(requestHead(request, url), "latin1");
    const body = request.body as ReadableStream<Bytes> | null;
    if (body !== null) void this.#sendBody(exchange, body, lengthOf(request));
    return exchange;
  }

  /** Ends it; an exchange that is not over fails. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#exchange?.fail(new Error("the connection was closed"));
    this.#socket.destroy();
    this.#onClosed?.();
  }

  #stopBody(): void {
    this.#onRoom();
    this.#onClose();
  }

  async #sendBody(
    exchange: Exchange,
    body: ReadableStream<Bytes>,
    length: number | undefined,
  ): Promise<void> {
    this.#isSent = false;
    const socket = this.#socket;
    const sink: BodySink = {
      write: (bytes, written) => socket.write(bytes, written),
      room: () =>
        new Promise((resolve) => {
          this.#onRoom = resolve;
          if (sink.isClosed) resolve();
        }),
      get isClosed() {
        return exchange.isOver || exchange.isRefused || socket.destroyed;
      },
      onClose: (callback) => {
        this.#onClose = callback;
      },
    };
    try {
      this.#isSent = await sendBody(body, length, sink);
    } catch (error) {
      exchange.fail(error);
    } finally {
      this.#onClose = () => {};
    }
  }

  #reading(): OnReadOpts {
    const buffer = new Uint8Array(RECEIVE_BYTES);
    return {
      buffer,
      callback: (count) => this.#take(buffer.subarray(0, count), false),
    };
  }

  #take(bytes: Bytes, isGiven: boolean): boolean {
    const exchange = this.#exchange;
    if (exchange === undefined) {
      // An answer that nobody asked for.
      this.close();
      return false;
    }
    const wantsMore = exchange.take(bytes, isGiven);
    if (exchange.isOver) this.#free(exchange);
    return wantsMore;
  }

  #free(exchange: Exchange): void {
    this.#exchange = undefined;
    // An answer that came before the whole request was sent: the rest is not sent.
    if (!exchange.isKept || !this.#isSent || this.#isClosed) return this.close();
    this.#idleSince = Date.now();
    this.#socket.setTimeout(IDLE_MS);
    // A connection that waits is no reason to go on living.
    this.#socket.unref();
    this.#onFree();
  }

  #end(error: Error | undefined): void {
    const exchange = this.#exchange;
    this.#exchange = undefined;
    if (error === undefined) exchange?.end();
    else exchange?.fail(error);
    this.close();
  }
}

function tlsOptions(
  { ca, isExclusive = false, cert, key, verify }: TLSSettings,
  { rootCertificates }: typeof TLSModule,
): TLSModule.ConnectionOptions {
  return {
    ...(ca === undefined ? {} : { ca: isExclusive ? [ca] : [...rootCertificates, ca] }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(verify === false ? { rejectUnauthorized: false } : {}),
  };
}

/** The length that the caller knows of a body. */
function lengthOf({ headers }: Request): number | undefined {
  const length = headers.get("content-length");
  return length === null ? undefined : Number(length);
}

function requestHead({ method, headers, body }: Request, url: URL): string {
  const lines = [`${method} ${url.pathname}${url.search} HTTP/1.1`, `host: ${url.host}`];
  for (const [name, value] of headers) if (name !== "host") lines.push(`${name}: ${value}`);
  if (!headers.has("connection")) lines.push("connection: keep-alive");
  if (!headers.has("content-length")) {
    if (body !== null) lines.push("transfer-encoding: chunked");
    else if (!WITHOUT_CONTENT.has(method)) lines.push("content-length: 0");
  }
  return [...lines, "", ""].join("\r\n");
}
