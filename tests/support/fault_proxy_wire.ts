/** HTTP/1.1 by hand, so that a test decides about every byte on the socket. */
import type { Socket } from "node:net";
import type { Bytes, ByteStream } from "../../lib/model/bytes.ts";

/** How much may wait in memory before the socket is no longer read. */
const MOST_HELD = 1024 * 1024;

/** The head of a request. */
export interface RequestHead {
  readonly method: string;
  readonly path: string;
  readonly headers: Headers;
}

/** Reads requests from a socket, one behind the other. */
export class WireReader {
  readonly #socket: Socket;
  readonly #chunks: Bytes[] = [];
  #held = 0;
  #isOver = false;
  #wake: () => void = () => {};

  constructor(socket: Socket, onData: (bytes: number) => void) {
    this.#socket = socket;
    socket.on("data", (data: Uint8Array) => {
      onData(data.byteLength);
      this.#held += data.byteLength;
      this.#chunks.push(new Uint8Array(data));
      if (this.#held > MOST_HELD) socket.pause();
      this.#wake();
    });
    for (const event of ["end", "close", "error"]) {
      socket.on(event, () => {
        this.#isOver = true;
        this.#wake();
      });
    }
  }

  /** Gives the next bytes, at most so many; `undefined` when the peer has gone. */
  async take(most: number): Promise<Bytes | undefined> {
    while (this.#chunks.length === 0) {
      if (this.#isOver) return undefined;
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    const [first = new Uint8Array()] = this.#chunks;
    const taken = first.subarray(0, most);
    if (taken.byteLength === first.byteLength) this.#chunks.shift();
    else this.#chunks[0] = first.subarray(most);
    this.#held -= taken.byteLength;
    if (this.#held <= MOST_HELD) this.#socket.resume();
    return taken;
  }

  /** Reads a line without its end. */
  async line(): Promise<string | undefined> {
    let text = "";
    for (;;) {
      const byte = await this.take(1);
      if (byte === undefined) return undefined;
      if (byte[0] === 10) return text;
      if (byte[0] !== 13) text += String.fromCharCode(byte[0] ?? 0);
    }
  }

  /** Reads the head of a request. */
  async head(): Promise<RequestHead | undefined> {
    const [method, path] = (await this.line())?.split(" ") ?? [];
    if (method === undefined || path === undefined) return undefined;
    const headers = new Headers();
    for (;;) {
      const line = await this.line();
      if (line === undefined) return undefined;
      if (line === "") return { method, path, headers };
      const colon = line.indexOf(":");
      headers.append(line.slice(0, colon), line.slice(colon + 1).trim());
    }
  }

  /** Gives the body of a request as it comes; errors when the peer goes away in the middle. */
  async *body(headers: Headers): AsyncGenerator<Bytes, void, undefined> {
    if (headers.get("transfer-encoding") !== "chunked") {
      return yield* this.#exactly(Number(headers.get("content-length") ?? 0));
    }
    for (;;) {
      const size = parseInt(await this.line() ?? "none", 16);
      if (Number.isNaN(size)) throw new Error("the client left");
      yield* this.#exactly(size);
      await this.line();
      if (size === 0) return;
    }
  }

  async *#exactly(bytes: number): AsyncGenerator<Bytes, void, undefined> {
    for (let left = bytes; left > 0;) {
      const chunk = await this.take(left);
      if (chunk === undefined) throw new Error("the client left");
      left -= chunk.byteLength;
      yield chunk;
    }
  }
}

/** Writes to a socket at the pace of the peer; resolves when the bytes have left the process. */
export function write(socket: Socket, bytes: Uint8Array | string): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = () => reject(new Error("the client left"));
    if (socket.destroyed) return fail();
    socket.once("close", fail);
    socket.write(bytes, () => {
      socket.off("close", fail);
      resolve();
    });
  });
}

/** The head of an answer on the wire. */
export function headOf(status: number, headers: Headers): string {
  const lines = [...headers].map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} Status\r\n${lines.join("")}\r\n`;
}

/** Reads a stream chunk by chunk; leaving the loop cancels it. */
export async function* chunksOf(stream: ByteStream): AsyncGenerator<Bytes, void, undefined> {
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}
