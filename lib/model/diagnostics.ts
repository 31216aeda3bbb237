import type { Diagnostic } from "./errors.ts";
import { isJSONObject } from "./json_object.ts";
import { printable } from "./redact.ts";

/** The most entries of an error body that are kept. */
const MAX_DIAGNOSTICS = 32;

/** The most characters that are kept of a message. */
export const MAX_MESSAGE_LENGTH = 512;

/** Reads an entry of an error body; nothing when it is none. */
export function diagnosticOf(value: unknown): Diagnostic[] {
  if (typeof value === "string") {
    return [{ code: "UNKNOWN", message: printable(value, MAX_MESSAGE_LENGTH) }];
  }
  if (!isJSONObject(value)) return [];
  const { code, message, detail } = value;
  return [{
    code: typeof code === "string" && code !== "" ? printable(code, 64) : "UNKNOWN",
    message: typeof message === "string" ? printable(message, MAX_MESSAGE_LENGTH) : "",
    ...(detail === undefined || detail === null ? {} : { detail }),
  }];
}

/** Reads the entries of an error body (distribution-spec, error codes). */
export function diagnosticsOf(body: { readonly errors?: unknown }): Diagnostic[] {
  const { errors } = body;
  return Array.isArray(errors) ? errors.slice(0, MAX_DIAGNOSTICS).flatMap(diagnosticOf) : [];
}
