/** How a body ends (RFC 9112 §6.3). */
export type Framing =
  | { readonly kind: "length"; readonly length: number }
  | { readonly kind: "chunked" }
  | { readonly kind: "close" };

/** The head of an HTTP/1 response. */
export interface ResponseHead {
  readonly status: number;
  readonly statusText: string;
  readonly headers: Headers;
  /** How its body ends, if it has one. */
  readonly framing: Framing;
  /** Whether the server keeps the connection open. */
  readonly isKept: boolean;
}

/** How many arguments a function is called with at most; engines have a limit. */
const MOST_ARGUMENTS = 4096;

const STATUS_LINE_REGEXP = /^HTTP\/1\.([01]) ([1-5][0-9]{2})(?: ([\t\x20-\x7e\x80-\xff]*))?$/;
const FIELD_REGEXP = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[\t ]*(.*?)[\t ]*$/;
const LENGTH_REGEXP = /^[0-9]{1,15}$/;

/**
 * Reads the head of a response, as strictly as a client may: a head that two readers could
 * understand differently (folded lines, two lengths, a length beside chunks) is refused (RFC 9112
 * §5.2, §6.3).
 *
 * @param text The head without the empty line behind it, a character a byte.
 * @returns The head.
 * @throws {SyntaxError} when it is no head of HTTP/1.
 */
export function parseResponseHead(text: string): ResponseHead {
  const [first = "", ...lines] = text.split("\r\n");
  const [, minor, status, statusText = ""] = STATUS_LINE_REGEXP.exec(first) ?? [];
  if (status === undefined) throw new SyntaxError("the answer is not HTTP/1.1");
  const headers = new Headers();
  for (const line of lines) {
    const [, name, value = ""] = FIELD_REGEXP.exec(line) ?? [];
    if (name === undefined) throw new SyntaxError("the answer has a line that is no header field");
    headers.append(name, value);
  }
  const framing = framingOf(headers);
  return {
    status: Number(status),
    statusText,
    headers,
    framing,
    isKept: isKept(headers, minor === "1"),
  };
}

function framingOf(headers: Headers): Framing {
  const coding = headers.get("transfer-encoding");
  const length = headers.get("content-length");
  if (coding !== null) {
    if (length !== null) throw new SyntaxError("the answer has a length and a transfer encoding");
    if (coding.toLowerCase() === "chunked") return { kind: "chunked" };
    throw new SyntaxError(`the answer has the transfer encoding ${JSON.stringify(coding)}`);
  }
  if (length === null) return { kind: "close" };
  const [first = "", ...more] = length.split(",").map((text) => text.trim());
  if (!LENGTH_REGEXP.test(first) || more.some((text) => text !== first)) {
    throw new SyntaxError(`the answer has the length ${JSON.stringify(length)}`);
  }
  return { kind: "length", length: Number(first) };
}

function isKept(headers: Headers, byDefault: boolean): boolean {
  const options = (headers.get("connection") ?? "").toLowerCase().split(",").map((text) =>
    text.trim()
  );
  if (options.includes("close")) return false;
  return byDefault || options.includes("keep-alive");
}

/**
 * Reads text of one byte a character, as heads are.
 *
 * @param bytes The bytes.
 * @returns The text.
 */
export function latin1(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += MOST_ARGUMENTS) {
    text += Reflect.apply(String.fromCharCode, null, bytes.subarray(at, at + MOST_ARGUMENTS));
  }
  return text;
}
