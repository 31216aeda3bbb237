import { concatBytes } from "../bytes/concat.ts";
import { freeChunk, noteOwnedChunks } from "../bytes/lineage.ts";
import type { Bytes } from "../model/bytes.ts";
import { type BodyReader, bodyReader } from "./_http_body.ts";
import { latin1, parseResponseHead, type ResponseHead } from "./_http_head.ts";

/** The longest head of a response, interim ones counted too. */
const MAX_HEAD_BYTES = 64 * 1024;

const LINE_FEED = 0x0a;

/** Statuses whose answers have no body, by which `Response` is strict. */
const WITHOUT_BODY: ReadonlySet<number> = new Set([204, 205, 304]);

/** What an exchange asks of the connection it is on. */
export interface Line {
  /** How many bytes may wait for the consumer before no more are taken. */
  readonly readAheadBytes: number;
  /** Reads on. */
  resume(): void;
  /** Ends the connection. */
  close(): void;
}

/**
 * A request that was sent, and its answer: takes the bytes of a connection in and makes a
 * `Response` of them.
 */
export class Exchange {
  readonly #request: Request;
  readonly #line: Line;
  readonly #resolve: (response: Response) => void;
  readonly #reject: (error: unknown) => void;
  /** The answer, once its head is there. */
  readonly response: Promise<Response>;
  /** Called when the answer turns out to be a refusal. */
  onRefused: () => void = () => {};
  /** Called when the answer is whole, has failed, or is not wanted any more. */
  onOver: () => void = () => {};
  #head = "";
  #headBytes = 0;
  #isKept = false;
  #isRefused = false;
  #body: BodyReader | undefined;
  #controller: ReadableStreamDefaultController<Bytes> | undefined;
  #isOver = false;

  constructor(request: Request, line: Line) {
    this.#request = request;
    this.#line = line;
    let [resolve, reject] = [(_: Response): void => {}, (_: unknown): void => {}];
    this.response = new Promise((onValue, onError) => [resolve, reject] = [onValue, onError]);
    [this.#resolve, this.#reject] = [resolve, reject];
  }

  /** Whether a byte of the answer came. */
  get hasBegun(): boolean {
    return this.#headBytes > 0;
  }

  /** Whether the answer is whole. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Whether the server refuses the request. */
  get isRefused(): boolean {
    return this.#isRefused;
  }

  /** Whether the connection can be used again, once the answer is whole. */
  get isKept(): boolean {
    return this.#isKept;
  }

  /**
   * Takes bytes in.
   *
   * @param bytes What came.
   * @param isGiven Whether nobody else holds the bytes; by default they are only lent.
   * @returns Whether more is wanted at once.
   */
  take(bytes: Bytes, isGiven = false): boolean {
    let content: Bytes | undefined;
    try {
      let rest = bytes;
      while (this.#body === undefined && !this.#isOver && rest.length > 0) {
        rest = this.#takeHead(rest);
      }
      if (this.#body !== undefined && !this.#isOver) {
        const pieces: Bytes[] = [];
        const count = this.#body.take(rest, (piece) => pieces.push(piece));
        content = contentOf(pieces, isGiven);
        if (content !== undefined) this.#controller?.enqueue(content);
        rest = rest.subarray(count);
        if (this.#body.isDone) this.#finish();
      }
      // Nobody asked for more than one answer: who knows what these bytes belong to.
      if (this.#isOver && rest.length > 0) this.#isKept = false;
    } catch (error) {
      this.fail(error);
    }
    if (isGiven && content?.buffer !== bytes.buffer) freeChunk(bytes);
    return this.#isOver || (this.#controller?.desiredSize ?? 1) > 0;
  }

  /** Takes the end of the connection. */
  end(): void {
    if (this.#isOver) return;
    if (this.#body?.endsWithConnection === true) this.#finish();
    else this.fail(new Error("the connection was closed before the end of the answer"));
  }

  /** Fails, unless the answer is whole. */
  fail(cause: unknown): void {
    if (this.#isOver) return;
    this.#over();
    this.#isKept = false;
    const { signal } = this.#request;
    // The words of fetch, so that one rule of retries serves both.
    const what = this.#controller === undefined ? "fetch failed" : "terminated";
    const error = signal.aborted ? signal.reason : new TypeError(what, { cause });
    this.#controller?.error(error);
    this.#reject(error);
    this.#line.close();
  }

  /** Takes a line of the head, or what there is of it; gives the bytes behind it. */
  #takeHead(bytes: Bytes): Bytes {
    const line = bytes.subarray(0, bytes.indexOf(LINE_FEED) + 1 || bytes.length);
    const rest = bytes.subarray(line.length);
    this.#headBytes += line.length;
    if (this.#headBytes > MAX_HEAD_BYTES) throw new Error("the head of the answer has no end");
    this.#head += latin1(line);
    if (!this.#head.endsWith("\r\n\r\n")) return rest;
    const head = parseResponseHead(this.#head.slice(0, -4));
    this.#head = "";
    // 100 and 103 come before the answer; nobody asked for another protocol.
    if (head.status === 101) throw new Error("the server changes the protocol");
    if (head.status >= 200) this.#answer(head);
    return rest;
  }

  #answer(head: ResponseHead): void {
    const { status, statusText, headers, framing } = head;
    this.#isRefused = status >= 400;
    const hasBody = this.#request.method !== "HEAD" && !WITHOUT_BODY.has(status);
    this.#isKept = head.isKept && !(hasBody && framing.kind === "close");
    this.#body = bodyReader(hasBody ? framing : { kind: "length", length: 0 });
    const body = hasBody ? this.#openBody() : null;
    this.#resolve(new Response(body, { status, statusText, headers }));
    if (this.#isRefused) this.onRefused();
  }

  #openBody(): ReadableStream<Bytes> {
    const body = new ReadableStream<Bytes>({
      start: (controller) => {
        this.#controller = controller;
      },
      pull: () => {
        if (!this.#isOver) this.#line.resume();
      },
      cancel: () => {
        if (this.#isOver) return;
        this.#over();
        this.#isKept = false;
        this.#line.close();
      },
    }, new ByteLengthQueuingStrategy({ highWaterMark: this.#line.readAheadBytes }));
    noteOwnedChunks(body);
    return body;
  }

  #finish(): void {
    this.#over();
    this.#controller?.close();
  }

  #over(): void {
    this.#isOver = true;
    this.onOver();
  }
}

/**
 * Makes the chunk of a body that is handed on. It is a copy unless all of the memory is content that
 * nobody else holds; one for all the pieces, for engines send chunks of 32 KiB, and each one that is
 * handed on costs as much as its copy.
 */
function contentOf(pieces: readonly Bytes[], isGiven: boolean): Bytes | undefined {
  const [first] = pieces;
  if (first === undefined) return undefined;
  const isAll = isGiven && pieces.length === 1 && first.byteLength === first.buffer.byteLength;
  // Not the piece itself, which is a Buffer.
  return isAll ? new Uint8Array(first.buffer) : concatBytes(pieces);
}
