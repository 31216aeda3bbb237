/** What stands where a secret was. */
export const MASK = "[redacted]";

/** Cuts a text and takes out what could act on a terminal. */
export function printable(text: string, maxLength: number): string {
  // deno-lint-ignore no-control-regex
  const clean = text.replace(/[\x00-\x1f\x7f-\x9f\u2028\u2029]+/g, " ").trim();
  return clean.length > maxLength ? `${clean.slice(0, maxLength)}…` : clean;
}

/** A URL without user name, query and fragment: signatures and upload states live there. */
export function redactURL(url: URL | string): string {
  try {
    const { protocol, host, pathname } = new URL(url);
    return `${protocol}//${host}${pathname}`;
  } catch {
    return "an invalid URL";
  }
}

/** Takes credentials and the queries of URLs out of a text that somebody else wrote. */
export function redactText(text: string): string {
  return text
    // A word with a value is a parameter of a challenge; "no basic auth credentials" says Docker.
    .replace(/\b(Bearer|Basic)\s+(?!\w+="|auth\b)[A-Za-z0-9._~+/=-]+/gi, `$1 ${MASK}`)
    .replace(/\bhttps?:(?:\\?\/){2}[^\s"'<>\\)]*/gi, (url) => {
      const bare = url.replace(/[?#].*$/, "");
      return bare.replace(/\/\/[^/]*@/, "//");
    });
}

/** How many causes of an error are kept. */
const MAX_CAUSES = 4;

/**
 * Copies an error of a transport without what may be secret: runtimes put whole URLs into messages
 * and properties, and those of redirects carry signatures.
 */
export function redactError(error: unknown, depth = 0): Error {
  const { name, message, code, cause } = (error ?? {}) as Partial<Error> & { code?: unknown };
  const copy = new Error(redactText(typeof message === "string" ? message : String(error)));
  if (typeof name === "string") copy.name = name;
  if (typeof code === "string") Object.assign(copy, { code });
  if (cause !== undefined && depth < MAX_CAUSES) {
    Object.defineProperty(copy, "cause", { value: redactError(cause, depth + 1) });
  }
  return copy;
}

/** The words of an error and of its causes: "fetch failed" alone says nothing to anybody. */
export function reasonOf(error: Error): string {
  const words: string[] = [];
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    // Node tries several addresses, and says of all failures together nothing but a code.
    const { message, code = "" } = at as Error & { readonly code?: string };
    const said = message === "" ? code : message;
    if (!words.some((known) => known.includes(said))) words.push(said);
  }
  return words.join(": ");
}
