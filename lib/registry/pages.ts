import { readAll } from "../bytes/read_all.ts";
import { LimitExceededError } from "../model/errors.ts";
import { type Answer, contentType, discard } from "./_answer.ts";
import { contentOf } from "./_content_encoding.ts";
import { answerError, notARegistry } from "./errors.ts";
import { nextPage } from "./links.ts";
import type { Call, Client } from "./request.ts";

/**
 * The most pages of a list that are read. A thousand pages of a thousand entries are more than any
 * repository has; a registry that pages on for ever ends here.
 */
export const MAX_PAGES = 1000;

/** The most bytes of one page: registries that do not page answer with everything at once. */
export const MAX_PAGE_BYTES: number = 16 * 1024 * 1024;

/** How many entries a page is asked to have: the most that ECR and distribution allow. */
export const PAGE_SIZE = 1000;

/** A list that comes in pages. */
export interface PagedList<Entry> {
  /** The first request; `lane` and `method` are always the same. */
  readonly call: Omit<Call, "method" | "lane">;
  /** Whether `n` may be left out when the registry refuses it. */
  readonly isSized: boolean;
  /** Sees each page before it is read, and may end the list. */
  accept?(answer: Answer): boolean;
  /** Takes the entries out of a page. */
  entries(raw: Uint8Array, answer: Answer): readonly Entry[];
}

function withoutSize(url: URL): URL {
  const bare = new URL(url);
  bare.searchParams.delete("n");
  return bare;
}

async function getPage<Entry>(client: Client, list: PagedList<Entry>, url: URL): Promise<Answer> {
  const answer = await client.send({ ...list.call, method: "GET", lane: "metadata", url });
  // ECR and distribution refuse a size that is larger than theirs.
  const isRefused = answer.status === 400 && list.isSized && url.searchParams.has("n");
  if (!isRefused) return answer;
  discard(answer);
  return await getPage(client, list, withoutSize(url));
}

/**
 * Reads a list page by page, as the consumer asks for it. It ends with the last page, or when a page
 * leads back to one that was read (oras-go#1214).
 *
 * @param client The registry.
 * @param list The list.
 * @returns The pages; empty ones too.
 * @throws {NotFoundError} when there is no such list.
 * @throws {RegistryError} when a page is none, or leads to another origin.
 * @throws {LimitExceededError} after {@linkcode MAX_PAGES} pages.
 */
export async function* readPages<Entry>(
  client: Client,
  list: PagedList<Entry>,
): AsyncGenerator<readonly Entry[], void, undefined> {
  const { action, signal } = list.call;
  const seen = new Set<string>();
  let url: URL | undefined = list.call.url;
  while (url !== undefined) {
    const at: URL = url;
    if (seen.has(at.href)) {
      const reason = "the pages of a list lead back to one that was read; the list ends there";
      client.emit({ type: "fallback", registry: client.endpoint.name, reason });
      return;
    }
    if (seen.size === MAX_PAGES) {
      throw new LimitExceededError(`Cannot ${action}: there are more than ${MAX_PAGES} pages`, {
        limit: MAX_PAGES,
        unit: "pages",
      });
    }
    seen.add(at.href);
    const page = await client.repeat({ action, method: "GET", url: at, signal }, async () => {
      const answer = await getPage(client, list, at);
      if (list.accept?.(answer) === false) {
        discard(answer);
        return undefined;
      }
      if (answer.status !== 200) throw await answerError(answer, action, client.clock);
      const body = await contentOf(answer.body, answer.headers);
      return {
        answer,
        raw: await readAll(body, { maxBytes: MAX_PAGE_BYTES, what: action, signal }),
      };
    });
    if (page === undefined) return;
    yield list.entries(page.raw, page.answer);
    url = nextPage(at, page.answer.headers.get("link"));
  }
}

/**
 * Takes a list of texts out of a JSON page. `null` and a missing list are empty; what is no text, or
 * not what the list should hold, is left out: Nexus lists `null` as a tag, Artifactory digests.
 *
 * @param raw The page.
 * @param answer The answer it came with.
 * @param key The name of the list.
 * @param isEntry Tells what the list should hold.
 * @param action What was attempted, for messages.
 * @returns The texts.
 * @throws {RegistryError} when the page is no JSON object.
 */
export function textsOf(
  raw: Uint8Array,
  answer: Answer,
  key: string,
  isEntry: (text: string) => boolean,
  action: string,
): string[] {
  let page: unknown;
  try {
    page = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(raw));
  } catch {
    const type = contentType(answer.headers);
    throw notARegistry(answer, action, `${type === "" ? "something" : type} instead of JSON`);
  }
  if (typeof page !== "object" || page === null || Array.isArray(page)) {
    throw notARegistry(answer, action, "no JSON object");
  }
  const list = (page as Record<string, unknown>)[key] ?? [];
  if (!Array.isArray(list)) throw notARegistry(answer, action, `${key} is no list`);
  return list.filter((entry): entry is string => typeof entry === "string" && isEntry(entry));
}
