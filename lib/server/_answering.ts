import type { Transport } from "../model/transport.ts";
import { errorAnswer, withoutBody } from "./_answer.ts";
import type { Call } from "./_context.ts";
import type { Refusal } from "./_refusal.ts";

/**
 * Makes a function from `Request` to `Response` that never rejects, and answers HEAD without a body.
 *
 * @param answer Answers; it may throw.
 * @param refuse Says what is answered instead of an error.
 * @returns The function.
 */
export function answering(
  answer: (call: Call) => Promise<Response>,
  refuse: (error: unknown, call: Pick<Call, "request" | "method">) => Refusal,
): Transport {
  return async (request) => {
    const { method } = request;
    const said = (response: Response) => method === "HEAD" ? withoutBody(response) : response;
    try {
      return said(await answer({ request, url: new URL(request.url), method }));
    } catch (error) {
      const refusal = refuse(error, { request, method });
      if (request.body !== null && !request.body.locked) {
        request.body.cancel().catch(() => {});
      }
      return said(errorAnswer(refusal));
    }
  };
}
