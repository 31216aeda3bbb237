import type { ByteStream } from "../model/bytes.ts";
import type { Diagnostic } from "../model/errors.ts";
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

function diagnosticsOf(body: unknown): Diagnostic[] {
  if (typeof body !== "object" || body === null) return [];
  const { errors, error, error_description, details } = body as Readonly<Record<string, unknown>>;
  if (Array.isArray(errors)) {
    return errors.flatMap((item: unknown) => {
      if (typeof item !== "object" || item === null) return [];
      const { code, message, detail } = item as Readonly<Record<string, unknown>>;
      const known = { code: textOf(code) ?? "UNKNOWN", message: textOf(message) ?? "" };
      return [detail === undefined || detail === null ? known : { ...known, detail }];
    });
  }
  // RFC 6749 §5.2, and Docker Hub's own words.
  const code = textOf(error);
  if (code !== undefined) return [{ code, message: textOf(error_description) ?? "" }];
  const message = textOf(details);
  return message === undefined ? [] : [{ code: "UNKNOWN", message }];
}

/** Reads what an error body says, without its secrets; an unreadable body says nothing. */
export async function readDiagnostics(
  response: Response,
  secrets: readonly string[],
): Promise<Diagnostic[]> {
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(), ERROR_BODY_TIMEOUT_MS);
  try {
    const text = await readReply(response, "an error body", timeout.signal);
    // Written anew, a secret has one spelling, whatever escapes the server has used.
    const plain = JSON.stringify(JSON.parse(text));
    return diagnosticsOf(JSON.parse(redactSecrets(plain, secrets)));
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
  // Servers' words are cut: they may be long, and break lines.
  const words = first.message.slice(0, 200).replace(/\p{Cc}+/gu, " ");
  return ` ${first.code.slice(0, 64)}${words === "" ? "" : ` (${words})`}`;
}

/** Reads a `Retry-After` header of seconds or a date, in milliseconds. */
export function retryAfterOf(response: Response): number | undefined {
  const value = response.headers.get("retry-after")?.trim() ?? "";
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now());
}
