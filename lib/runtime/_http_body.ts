import type { Bytes } from "../model/bytes.ts";
import type { Framing } from "./_http_head.ts";

/** Finds the bytes of a body in what a connection gives. */
export interface BodyReader {
  /**
   * Takes bytes in.
   *
   * @param bytes What came.
   * @param emit Gets each piece of the body, a view of the same memory.
   * @returns How many bytes belonged to the body and its frame.
   * @throws {SyntaxError} when the frame is broken.
   */
  take(bytes: Bytes, emit: (piece: Bytes) => void): number;
  /** Whether the body is whole. */
  readonly isDone: boolean;
  /** Whether the end of the connection is the end of the body. */
  readonly endsWithConnection: boolean;
}

/** Makes the reader for a body. */
export function bodyReader(framing: Framing): BodyReader {
  if (framing.kind === "chunked") return new ChunkedBody();
  return framing.kind === "length" ? new SizedBody(framing.length) : new OpenBody();
}

class SizedBody implements BodyReader {
  readonly endsWithConnection = false;
  #left: number;

  constructor(length: number) {
    this.#left = length;
  }

  get isDone(): boolean {
    return this.#left === 0;
  }

  take(bytes: Bytes, emit: (piece: Bytes) => void): number {
    const count = Math.min(bytes.length, this.#left);
    this.#left -= count;
    if (count > 0) emit(bytes.subarray(0, count));
    return count;
  }
}

class OpenBody implements BodyReader {
  readonly isDone = false;
  readonly endsWithConnection = true;

  take(bytes: Bytes, emit: (piece: Bytes) => void): number {
    emit(bytes);
    return bytes.length;
  }
}

/** The longest line between chunks: sizes with their extensions, and trailers. */
const MAX_LINE_BYTES = 4096;

/** How many lines of trailers are taken. */
const MAX_TRAILERS = 100;

const SIZE_REGEXP = /^([0-9A-Fa-f]{1,13})[\t ]*(?:;.*)?$/;

/** RFC 9112 §7.1. */
class ChunkedBody implements BodyReader {
  readonly endsWithConnection = false;
  isDone = false;
  #state: "size" | "data" | "data-end" | "trailer" = "size";
  #left = 0;
  #line = "";
  #trailers = 0;

  take(bytes: Bytes, emit: (piece: Bytes) => void): number {
    let at = 0;
    while (at < bytes.length && !this.isDone) {
      if (this.#state === "data") {
        const piece = bytes.subarray(at, at + this.#left);
        this.#left -= piece.length;
        at += piece.length;
        emit(piece);
        if (this.#left === 0) this.#state = "data-end";
      } else {
        const code = bytes[at++] ?? 0;
        if (code === 0x0a) this.#endLine();
        else if (this.#line.length === MAX_LINE_BYTES) throw broken("a line without end");
        else this.#line += String.fromCharCode(code);
      }
    }
    return at;
  }

  #endLine(): void {
    if (!this.#line.endsWith("\r")) throw broken("a line feed alone");
    const line = this.#line.slice(0, -1);
    this.#line = "";
    if (this.#state === "size") {
      const size = SIZE_REGEXP.exec(line)?.[1];
      if (size === undefined) throw broken("no size where one belongs");
      this.#left = Number.parseInt(size, 16);
      this.#state = this.#left === 0 ? "trailer" : "data";
    } else if (this.#state === "data-end") {
      if (line !== "") throw broken("more bytes than it announced");
      this.#state = "size";
    } else if (line === "") this.isDone = true;
    else if (++this.#trailers > MAX_TRAILERS) throw broken("trailers without end");
  }
}

function broken(what: string): SyntaxError {
  return new SyntaxError(`the answer's chunks have ${what}`);
}
