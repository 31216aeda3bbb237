import { withSignal } from "../bytes/signal.ts";
import type { ByteStream } from "../model/bytes.ts";

// Node forgets to tell a request's signal of an abort once the Request itself is collected, so
// requests are kept as long as somebody waits for their answer or holds its body.
const waiting = new Set<Request>();
const answered = new WeakMap<ByteStream, Request>();

/**
 * Answers a request as `fetch` does: an aborted signal rejects the request, or errors the body of
 * its answer.
 */
export async function answerAsFetch(
  request: Request,
  answer: (request: Request) => Promise<Response>,
): Promise<Response> {
  const { signal } = request;
  signal.throwIfAborted();
  waiting.add(request);
  const response = await orAborted(answer(request), signal).finally(() => waiting.delete(request));
  if (response.body === null) return response;
  const body = withSignal(response.body as ByteStream, signal);
  answered.set(body, request);
  return new Response(body, response);
}

/** Waits for an answer, or rejects when the signal aborts; then the late answer is given up. */
async function orAborted(answer: Promise<Response>, signal: AbortSignal): Promise<Response> {
  let stop = () => {};
  const aborted = new Promise<never>((_, reject) => {
    const listener = () => reject(signal.reason);
    signal.addEventListener("abort", listener, { once: true });
    stop = () => signal.removeEventListener("abort", listener);
  });
  try {
    return await Promise.race([answer, aborted]);
  } catch (error) {
    answer.then((response) => response.body?.cancel()).catch(() => {});
    throw error;
  } finally {
    stop();
  }
}
