import type { ClientRequest, IncomingMessage, OutgoingHttpHeaders } from "node:http";
import { freeChunk, noteOwnedChunks, ownsChunks } from "../bytes/lineage.ts";
import type { Bytes, ByteStream } from "../model/bytes.ts";

/** How many bytes are read ahead of the consumer. */
const READ_AHEAD_BYTES = 256 * 1024;

/** Statuses whose answers have no body, by which `Response` is strict. */
const WITHOUT_BODY: ReadonlySet<number> = new Set([204, 205, 304]);

/** What of a request goes to Node's `http`. */
export interface OutgoingData {
  readonly method: string;
  readonly path: string;
  readonly headers: OutgoingHttpHeaders;
}

/** One request over Node's `http`, and its answer. */
export class EngineExchange {
  readonly #request: Request;
  readonly #running: Set<EngineExchange>;
  readonly #resolve: (response: Response) => void;
  readonly #reject: (error: unknown) => void;
  /** The answer, once its head is there; the request may still be sent then. */
  readonly response: Promise<Response>;
  #outgoing: ClientRequest | undefined;
  #incoming: IncomingMessage | undefined;
  #upload: ReadableStreamDefaultReader<Uint8Array> | undefined;
  #controller: ReadableStreamDefaultController<Bytes> | undefined;
  #isOver = false;
  #isSent = false;

  constructor(request: Request, running: Set<EngineExchange>) {
    this.#request = request;
    this.#running = running;
    let [resolve, reject] = [(_: Response): void => {}, (_: unknown): void => {}];
    this.response = new Promise((onValue, onError) => [resolve, reject] = [onValue, onError]);
    [this.#resolve, this.#reject] = [resolve, reject];
  }

  /** Sends the request. */
  start(open: (data: OutgoingData) => ClientRequest): void {
    const { method, headers, signal, body } = this.#request;
    const { host, pathname, search } = new URL(this.#request.url);
    this.#running.add(this);
    signal.addEventListener("abort", this.#onAbort, { once: true });
    let outgoing: ClientRequest;
    try {
      outgoing = open({
        method,
        path: pathname + search,
        headers: { ...Object.fromEntries(headers), host },
      });
    } catch (error) {
      // Deno without permission to go there.
      return this.#fail(error);
    }
    this.#outgoing = outgoing;
    outgoing.on("response", (incoming: IncomingMessage) => this.#answer(incoming));
    outgoing.on("error", (error: Error) => this.#lose(error));
    outgoing.on("close", () => this.#lose(new Error("the engine closed the connection")));
    if (body === null) {
      this.#isSent = true;
      outgoing.end();
    } else {
      this.#upload = body.getReader();
      const isOwner = (): boolean => ownsChunks(body as ByteStream);
      this.#send(this.#upload, outgoing, isOwner).catch((error) => this.#fail(error));
    }
  }

  /** Ends it; what is not over fails. */
  close(): void {
    this.#fail(new Error("the connection to the engine was closed"));
  }

  // Holds the request too: Node 20 collects one that is only waited for, and its signal with it.
  readonly #onAbort = (): void => this.#fail(this.#request.signal.reason);

  async #send(
    reader: ReadableStreamDefaultReader<Uint8Array>,
    outgoing: ClientRequest,
    isOwner: () => boolean,
  ): Promise<void> {
    for (;;) {
      const { done, value } = await reader.read();
      if (this.#upload === undefined) return;
      if (done) break;
      const sent = value !== undefined && isOwner()
        ? (): void => freeChunk(value as Bytes)
        : undefined;
      if (value.byteLength > 0 && !outgoing.write(value, sent)) await drained(outgoing);
      // An answer that has come is read before a write finds out that nobody listens any more.
      await nextTurn();
    }
    this.#isSent = true;
    outgoing.end();
  }

  /** Takes the end of the connection; an answer that is whole may still be read then. */
  #lose(error: Error): void {
    if (this.#incoming?.complete === true) return;
    this.#fail(error);
  }

  #answer(incoming: IncomingMessage): void {
    const { statusCode: status = 0, statusMessage: statusText = "", rawHeaders } = incoming;
    if (this.#isOver || status < 200) return;
    this.#incoming = incoming;
    // Who has refused a request does not want the rest of it.
    if (status >= 400) this.#stopUpload();
    const headers = new Headers();
    for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
      headers.append(rawHeaders[at] ?? "", rawHeaders[at + 1] ?? "");
    }
    const hasBody = this.#request.method !== "HEAD" && !WITHOUT_BODY.has(status);
    const init = { status, statusText, headers };
    if (hasBody) return this.#resolve(new Response(this.#bodyOf(incoming), init));
    this.#resolve(new Response(null, init));
    incoming.resume();
    this.#finish();
  }

  #bodyOf(incoming: IncomingMessage): ReadableStream<Bytes> {
    const body = new ReadableStream<Bytes>({
      start: (controller) => {
        this.#controller = controller;
        incoming.on("data", (chunk: Uint8Array<ArrayBuffer>) => {
          if (this.#isOver) return;
          controller.enqueue(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength));
          if ((controller.desiredSize ?? 0) <= 0) incoming.pause();
        });
        incoming.on("end", () => {
          if (!incoming.complete) return this.#fail(new Error("the answer was cut off"));
          if (this.#isOver) return;
          controller.close();
          this.#finish();
        });
        incoming.on("error", (error: Error) => this.#fail(error));
        incoming.on("close", () => this.#fail(new Error("the answer was cut off")));
        incoming.pause();
      },
      pull: () => {
        incoming.resume();
      },
      cancel: () => this.#finish(),
    }, new ByteLengthQueuingStrategy({ highWaterMark: READ_AHEAD_BYTES }));
    // Node copies each piece out of its own buffer; pieces of larger ones are left alone.
    noteOwnedChunks(body);
    return body;
  }

  #fail(error: unknown): void {
    if (this.#isOver) return;
    const { signal } = this.#request;
    const reason = signal.aborted ? signal.reason : error;
    this.#reject(reason);
    this.#controller?.error(reason);
    this.#finish(reason);
  }

  /** Ends the connection. */
  #finish(reason?: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#running.delete(this);
    this.#request.signal.removeEventListener("abort", this.#onAbort);
    this.#stopUpload(reason);
    // Errors of a connection that is given up are nobody's.
    this.#outgoing?.on("error", () => {});
    this.#outgoing?.destroy();
  }

  #stopUpload(reason?: unknown): void {
    const upload = this.#upload;
    this.#upload = undefined;
    if (!this.#isSent) upload?.cancel(reason).catch(() => {});
  }
}

/** Waits until the sockets have been looked at. */
async function nextTurn(): Promise<void> {
  // Who was called by a socket is called once more before the others are looked at.
  for (let turn = 0; turn < 2; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
}

/** Waits until a request takes more, or will never do so again. */
function drained(outgoing: ClientRequest): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      for (const event of ["drain", "close", "error"]) outgoing.off(event, done);
      resolve();
    };
    for (const event of ["drain", "close", "error"]) outgoing.on(event, done);
    if (outgoing.destroyed) done();
  });
}
