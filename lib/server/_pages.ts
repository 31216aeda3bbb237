import { Refusal } from "./_refusal.ts";

/** One page of a list. */
export interface Page {
  readonly items: readonly string[];
  /** The `Link` header, when there is more. */
  readonly link: string | undefined;
}

/**
 * Cuts a page out of a list (distribution-spec §listing tags). The list is in the order of code
 * units, which for names and tags is ASCII order.
 *
 * @param all The whole list, in any order.
 * @param url The request, with `n` and `last`.
 * @returns The page.
 * @throws {Refusal} with 400 when `n` is no number.
 */
export function pageOf(all: Iterable<string>, url: URL): Page {
  const n = url.searchParams.get("n");
  const last = url.searchParams.get("last") ?? "";
  if (n !== null && !/^\d+$/.test(n)) {
    throw new Refusal(400, "PAGINATION_NUMBER_INVALID", "n is no number of entries");
  }
  const rest = [...all].filter((item) => item > last).sort();
  const count = n === null ? rest.length : Number(n);
  const items = rest.slice(0, count);
  const end = items.at(-1);
  const hasMore = end !== undefined && items.length < rest.length;
  return { items, link: hasMore ? nextLink(url, { n: String(count), last: end }) : undefined };
}

/** Writes a `Link` header to the next page (RFC 8288), relative to the registry. */
export function nextLink(url: URL, query: Readonly<Record<string, string>>): string {
  const parameters = new URLSearchParams(query);
  return `<${url.pathname}?${parameters}>; rel="next"`;
}
