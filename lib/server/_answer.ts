import { fixedLength } from "../bytes/fixed_length.ts";
import type { Bytes, ByteStream } from "../model/bytes.ts";
import type { Refusal } from "./_refusal.ts";

/** Header fields of an answer. */
export type HeaderFields = Readonly<Record<string, string>>;

// Content is served under the registry's own origin: a browser must not guess that it is a page.
const COMMON_HEADERS: HeaderFields = {
  "docker-distribution-api-version": "registry/2.0",
  "x-content-type-options": "nosniff",
};

/** Gives an answer without a body. */
export function empty(status: number, headers: HeaderFields = {}): Response {
  return new Response(null, { status, headers: { ...COMMON_HEADERS, ...headers } });
}

/** Gives bytes in memory as the answer. */
export function bytesAnswer(status: number, body: Bytes, headers: HeaderFields): Response {
  return new Response(body, {
    status,
    headers: { ...COMMON_HEADERS, "content-length": String(body.byteLength), ...headers },
  });
}

/** Gives a stream of a known length as the answer. */
export function streamAnswer(
  status: number,
  body: ByteStream,
  length: number,
  headers: HeaderFields,
): Response {
  return new Response(fixedLength(body, length), {
    status,
    headers: { ...COMMON_HEADERS, "content-length": String(length), ...headers },
  });
}

/** Gives a value as the answer, in JSON. */
export function jsonAnswer(status: number, value: unknown, headers: HeaderFields = {}): Response {
  const body = new TextEncoder().encode(JSON.stringify(value));
  return bytesAnswer(status, body, { "content-type": "application/json", ...headers });
}

/** Gives an error body as the distribution-spec has it (§error codes). */
export function errorAnswer(refusal: Refusal): Response {
  const { status, code, message, detail, headers } = refusal;
  const entry = detail === undefined ? { code, message } : { code, message, detail };
  return jsonAnswer(status, { errors: [entry] }, headers);
}

/** Gives the answer to HEAD: everything of the answer to GET but the body. */
export function withoutBody(response: Response): Response {
  response.body?.cancel().catch(() => {});
  return new Response(null, { status: response.status, headers: response.headers });
}
