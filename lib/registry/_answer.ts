import type { ByteStream } from "../model/bytes.ts";

/** What came back in the end: redirects are followed, repetitions done. */
export interface Answer {
  readonly method: string;
  /** The URL that answered. */
  readonly url: URL;
  /** Whether it is of another origin than the registry. */
  readonly isForeign: boolean;
  readonly status: number;
  readonly headers: Headers;
  /** The body, under watch; it has to be read to its end or cancelled. */
  readonly body: ByteStream;
  /** How many times the request was sent. */
  readonly attempts: number;
}

/** Lets go of a body that nobody wants, so that its connection is free again. */
export function discard(answer: Answer): void {
  answer.body.cancel().catch(() => {});
}

/** The media type of a header, without parameters, in lower case. */
export function contentType(headers: Headers): string {
  return (headers.get("content-type") ?? "").split(";")[0]?.trim().toLowerCase() ?? "";
}

/** Whether the bytes of the body may be another representation of the content (RFC 9110 §8.4). */
export function isEncoded(headers: Headers): boolean {
  const encoding = headers.get("content-encoding")?.trim().toLowerCase() ?? "";
  return encoding !== "" && encoding !== "identity";
}

/** The length in bytes; `undefined` when it is absent, malformed, or of an encoded body. */
export function contentLength(headers: Headers): number | undefined {
  const text = headers.get("content-length");
  if (text === null || isEncoded(headers) || !/^\d{1,16}$/.test(text)) return undefined;
  return Number.isSafeInteger(Number(text)) ? Number(text) : undefined;
}
