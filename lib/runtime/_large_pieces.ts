import type { Bytes, ByteStream } from "../model/bytes.ts";
import type { Transport } from "../model/transport.ts";

/** How much is read at a time. */
const PIECE_BYTES = 128 * 1024;

/**
 * Reads the bodies of long answers in large pieces. By itself workerd gives pieces of 4 KiB, each with
 * memory of its own: collectors are slow to see that, and a Worker has 128 MiB.
 *
 * @param send A transport over the `fetch` of workerd.
 * @returns The same, for answers to `GET` whose length is said.
 */
export function largePieces(send: Transport): Transport {
  return async (request) => {
    const response = await send(request);
    const isLong = Number(response.headers.get("content-length")) > PIECE_BYTES;
    // An answer made anew does not know that what is encoded stays as it is.
    const isPlain = !response.headers.has("content-encoding");
    const body = response.body as ByteStream | null;
    if (body === null || request.method !== "GET" || !isLong || !isPlain) return response;
    return new Response(inLargePieces(body), response);
  };
}

function inLargePieces(body: ByteStream): ByteStream {
  const reader = body.getReader({ mode: "byob" });
  return new ReadableStream<Bytes>({
    async pull(controller) {
      const { done, value } = await reader.read(new Uint8Array(PIECE_BYTES));
      if (done) return controller.close();
      controller.enqueue(value.byteLength === PIECE_BYTES ? value : value.slice());
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
}
