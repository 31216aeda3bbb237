import { EngineError, isLadingError } from "../model/errors.ts";
import { reasonOf, redactError } from "../model/redact.ts";
import type { EngineAnswer, EngineCall, Reading } from "./engine_call.ts";
import { type MakeError, reasonFor, said } from "./_failure.ts";

/** Makes the error of a message that is one. */
export function refusal(
  call: Pick<EngineCall, "action" | "makeError">,
  { status, endpoint }: Pick<EngineAnswer, "status" | "endpoint">,
  error: { readonly message: string; readonly code?: number | undefined },
): EngineError {
  const words = said(error.message);
  const message = `Cannot ${call.action}: ${words === "" ? "the engine does not say why" : words}`;
  return errorFor(call, message, {
    status,
    endpoint,
    said: words,
    exitCode: error.code,
    reason: reasonFor(status, words),
  });
}

/** Makes the error of an answer that broke off or cannot be understood; others pass as they are. */
export function broken(
  call: Reading,
  { status, endpoint, upload }: Pick<EngineAnswer, "status" | "endpoint" | "upload">,
  error: unknown,
): unknown {
  if (call.signal?.aborted === true) return call.signal.reason;
  if (upload.failure !== undefined) return upload.failure.error;
  if (isLadingError(error)) return error;
  const cause = redactError(error);
  const why = error instanceof SyntaxError ? cause.message : `it broke off: ${reasonOf(cause)}`;
  return errorFor(call, `Cannot ${call.action}: the engine's answer is not whole: ${why}`, {
    status,
    endpoint,
    cause,
  });
}

/** Makes the error of an answer that is something else. */
export function unexpected(
  { status, endpoint }: Pick<EngineAnswer, "status" | "endpoint">,
  call: Reading,
  wanted: string,
): EngineError {
  const message = `Cannot ${call.action}: the engine answered with something that is no ${wanted}`;
  return errorFor(call, message, { status, endpoint });
}

/** Makes the error of an answer in which nothing came for too long. */
export function silent(call: EngineCall, endpoint: string, idleMs: number): EngineError {
  return errorFor(call, `Cannot ${call.action}: the engine was silent for ${idleMs / 1000} s`, {
    status: 200,
    endpoint,
    reason: "silent",
  });
}

/** Makes the error of a request that nobody answered. */
export function unreachable(
  call: EngineCall,
  endpoint: string,
  { name, error }: { readonly name: string; readonly error: unknown },
): EngineError {
  const cause = redactError(error);
  return new EngineError(
    `Cannot ${call.action}: no answer from the engine at ${name}: ${reasonOf(cause)}; ` +
      "is it running, and may you talk to it?",
    { status: 0, endpoint, cause, reason: "unreachable" },
  );
}

function errorFor(
  call: Pick<EngineCall, "makeError">,
  ...[message, options]: Parameters<MakeError>
): EngineError {
  return call.makeError?.(message, options) ?? new EngineError(message, options);
}
