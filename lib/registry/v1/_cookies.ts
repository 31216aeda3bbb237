/** The most cookies that are kept for one origin; load balancers set one or two. */
const MAX_COOKIES = 32;

/** The longest cookie, as browsers have it (RFC 6265 §6.1). */
const MAX_COOKIE_LENGTH = 4096;

/** What can stand in a `Cookie` header; `Headers` would refuse others. */
const PAIR_REGEXP = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+=[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*$/;

/**
 * The cookies of one session. Old registries tell their back ends apart by them. They go back to the
 * origin that has set them, and end with the session. Browsers hide them from everybody.
 */
export class CookieJar {
  readonly #origins = new Map<string, Map<string, string>>();

  /** Keeps what an answer has set. */
  keep(origin: string, headers: Headers): void {
    const cookies = this.#origins.get(origin) ?? new Map<string, string>();
    this.#origins.set(origin, cookies);
    for (const line of headers.getSetCookie()) {
      const [pair = "", ...attributes] = line.split(";").map((part) => part.trim());
      const plain = pair.replace(/="(.*)"$/, "=$1");
      if (!PAIR_REGEXP.test(plain) || plain.length > MAX_COOKIE_LENGTH) continue;
      const name = plain.slice(0, plain.indexOf("="));
      const isOver = attributes.some((attribute) => /^max-age=(?:0|-\d+)$/i.test(attribute));
      if (isOver) cookies.delete(name);
      else if (cookies.has(name) || cookies.size < MAX_COOKIES) cookies.set(name, plain);
    }
  }

  /** The header for a request; `undefined` when there is nothing to send. */
  header(origin: string): string | undefined {
    const cookies = [...this.#origins.get(origin)?.values() ?? []];
    return cookies.length === 0 ? undefined : cookies.join("; ");
  }
}
