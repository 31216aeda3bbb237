import type { ByteStream } from "../model/bytes.ts";
import type { Diagnostic } from "../model/errors.ts";
import { diagnosticOf, diagnosticsOf } from "../model/diagnostics.ts";
import { isJSONObject, type JSONObject } from "../model/json_object.ts";
import { readAll } from "../bytes/read_all.ts";
import { redactSecrets } from "./_redact.ts";

/** A token of a large scope list takes 8 KiB; the replies of servers stay far below this. */
export const MAX_REPLY_BYTES: number = 64 * 1024;

/** How long an error body may take: it only explains what is known already. */
const ERROR_BODY_TIMEOUT_MS = 5_000;

/** Reads a reply as text. */
export async function readReply(
  response: Response,
  what: string,
  signal: AbortSignal | undefined,
): Promise<string> {
  if (response.body === null) return "";
  const body = response.body as ByteStream;
  return new TextDecoder().decode(
    await readAll(body, { maxBytes: MAX_REPLY_BYTES, what, signal }),
  );
}

/** Gives back the connection of a response that nobody reads. */
export async function discard(response: Response): Promise<void> {
  await response.body?.cancel().catch(() => {});
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** Finds what an error body says; not every server has the form of the distribution-spec. */
export function sayingsOf(body: JSONObject): Diagnostic[] {
  const { error, error_description, details } = body;
  const found = diagnosticsOf(body);
  if (found.length > 0) return found;
  // RFC 6749 §5.2, and Docker Hub's own words.
  const code = textOf(error);
  return code === undefined
    ? diagnosticOf(textOf(details))
    : diagnosticOf({ code, message: error_description });
}

/** Reads what an error body says, without its secrets; an unreadable body says nothing. */
export async function readDiagnostics(
  response: Response,
  secrets: readonly string[],
  sayings: (body: JSONObject) => Diagnostic[] = sayingsOf,
): Promise<Diagnostic[]> {
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(), ERROR_BODY_TIMEOUT_MS);
  try {
    const text = await readReply(response, "an error body", timeout.signal);
    // Written anew, a secret has one spelling, whatever escapes the server has used.
    const plain = JSON.stringify(JSON.parse(text));
    const body: unknown = JSON.parse(redactSecrets(plain, secrets));
    return isJSONObject(body) ? sayings(body) : [];
  } catch {
    return [];
  } finally {
    clearTimeout(timer);
  }
}

/** Writes diagnostics behind a status: ` UNAUTHORIZED (bad user name)`. */
export function describeDiagnostics(diagnostics: readonly Diagnostic[]): string {
  const [first] = diagnostics;
  if (first === undefined) return "";
  const words = first.message.slice(0, 200);
  return ` ${first.code}${words === "" ? "" : ` (${words})`}`;
}
