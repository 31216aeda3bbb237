import { diagnosticOf } from "../model/diagnostics.ts";
import {
  AuthenticationError,
  type Diagnostic,
  isLadingError,
  RateLimitError,
  RegistryError,
} from "../model/errors.ts";
import { untilAborted } from "../bytes/until_aborted.ts";
import { isJSONObject, type JSONObject } from "../model/json_object.ts";
import { reasonOf, redactError, redactURL } from "../model/redact.ts";
import { retryAfter as retryAfterIn } from "../model/retry_after.ts";
import type { Transport } from "../model/transport.ts";
import { describeDiagnostics, discard, readDiagnostics, readReply, sayingsOf } from "./_reply.ts";

/** Account services answer in milliseconds; one that does not would hold up every transfer. */
const TIMEOUT_MS = 15_000;

/** A request to an account service of a cloud, whose reply is a JSON object. */
export interface CloudRequest {
  readonly transport: Transport;
  readonly url: URL;
  readonly method: "GET" | "POST";
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** The registry that all of it is for, for messages. */
  readonly registry: string;
  /** The texts that no message may hold. */
  readonly secrets: readonly string[];
  readonly signal: AbortSignal | undefined;
}

function messageOf({ registry, url }: CloudRequest, reason: string): string {
  return `Cannot get credentials for ${registry} from ${url.host}: ${reason}`;
}

/** Makes the error for a reply that is not what it should be. */
export function replyError(request: CloudRequest, reason: string, cause?: unknown): RegistryError {
  const { method, url } = request;
  const options = { status: 0, method, url: redactURL(url), cause };
  return new RegistryError(messageOf(request, reason), options);
}

/** AWS names its errors by `__type`, some with the service before a #, and spells `Message` too. */
function cloudSayingsOf(body: JSONObject): Diagnostic[] {
  const { __type: type, message, Message } = body;
  if (typeof type !== "string") return sayingsOf(body);
  return diagnosticOf({ code: type.replace(/^.*#/, ""), message: message ?? Message });
}

async function refusal(request: CloudRequest, response: Response): Promise<Error> {
  const { method, url, secrets } = request;
  const diagnostics = await readDiagnostics(response, secrets, cloudSayingsOf);
  const { status } = response;
  const message = messageOf(request, `it answered ${status}${describeDiagnostics(diagnostics)}`);
  const retryAfter = retryAfterIn(response.headers, Date.now());
  const options = { status, method, url: redactURL(url), diagnostics, retryAfter };
  // AWS answers 400 to those who ask too often, and to wrong credentials as well.
  const isThrottled = /throttl|too.?many.?requests/i.test(diagnostics[0]?.code ?? "");
  if (status === 429 || isThrottled) return new RateLimitError(message, options);
  const isRefused = status === 400 || status === 401 || status === 403;
  return isRefused
    ? new AuthenticationError(message, options)
    : new RegistryError(message, options);
}

/**
 * Sends a request to an account service and reads its reply. Redirects are not followed: secrets are
 * in the request. The reply is read up to 64 KiB, and all takes at most 15 seconds.
 *
 * @throws {AuthenticationError} when the service refuses who asks (400, 401, 403).
 * @throws {RateLimitError} when it asks for fewer requests.
 * @throws {RegistryError} when it fails, or does not answer with a JSON object.
 */
export async function askCloud(request: CloudRequest): Promise<JSONObject> {
  const { transport, url, method, headers, body, signal } = request;
  signal?.throwIfAborted();
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(), TIMEOUT_MS);
  const ours = AbortSignal.any([deadline.signal, ...signal === undefined ? [] : [signal]]);
  try {
    const redirect = transport.traits?.manualRedirect === false ? "error" : "manual";
    const init: RequestInit = { method, headers, redirect, signal: ours };
    const sent = new Request(url, body === undefined ? init : { ...init, body });
    const response = await untilAborted(transport(sent), sent, ours);
    if (response.status >= 300 && response.status < 400) {
      await discard(response);
      throw replyError(
        request,
        `it redirects with ${response.status}, and secrets are not sent on`,
      );
    }
    if (!response.ok) throw await refusal(request, response);
    return await parse(request, response, ours);
  } catch (error) {
    signal?.throwIfAborted();
    if (isLadingError(error)) throw error;
    const cause = redactError(error);
    const reason = deadline.signal.aborted
      ? `no answer within ${TIMEOUT_MS / 1000} seconds`
      : `no answer: ${reasonOf(cause)}`;
    throw replyError(request, reason, cause);
  } finally {
    clearTimeout(timer);
  }
}

async function parse(
  request: CloudRequest,
  response: Response,
  signal: AbortSignal,
): Promise<JSONObject> {
  let reply: unknown;
  try {
    reply = JSON.parse(await readReply(response, "the reply", signal));
  } catch (error) {
    if (signal.aborted) throw error;
    // The words of JSON.parse would quote the reply.
    const cause = isLadingError(error) ? error : undefined;
    throw replyError(request, "the reply is too long, cut short or no JSON", cause);
  }
  if (!isJSONObject(reply)) throw replyError(request, "the reply is no JSON object");
  return reply;
}

/** Reads a text that has to be in a reply. */
export function textIn(request: CloudRequest, reply: JSONObject, field: string): string {
  const value = reply[field];
  if (typeof value === "string" && value !== "") return value;
  throw replyError(request, `the reply holds no ${field}`);
}

/** Reads a lifetime in seconds: a number or, from some services, its digits. */
export function secondsIn(reply: JSONObject, field: string): number {
  const seconds = Number(reply[field] ?? 0);
  return Number.isFinite(seconds) && seconds > 0 ? seconds : 0;
}
