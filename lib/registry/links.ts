import { RegistryError } from "../model/errors.ts";
import { redactURL } from "../model/redact.ts";

/** One link of a Link header (RFC 8288 §3). */
export interface Link {
  /** The target as it is written. */
  readonly uri: string;
  /** The parameters; names are in lower case, and the first of a name counts. */
  readonly params: ReadonlyMap<string, string>;
}

/** The longest Link header that is read: many times what a page needs. */
const MAX_HEADER_LENGTH = 16 * 1024;

const BLANK = /[ \t\r\n]*/y;
const BRACKETED_URI = /<([^<>]*)>/y;
// Not in RFC 8288, but written by some servers and read by regclient.
const BARE_URI = /[^\s<>"\\,;]+/y;
const PARAM_NAME = /[!#$+.^_`|~0-9A-Za-z-]+\*?/y;
// Wider than a token: RFC 8187 values hold quotes and percent signs.
const TOKEN_VALUE = /[^\s"\\,;<>]+/y;
const QUOTED_VALUE = /"((?:[^"\\]|\\.)*)"/y;

/** Reads a header from left to right; each character is looked at a bounded number of times. */
class Scanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#text.length;
  }

  take(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text);
    if (match !== null) this.#at = pattern.lastIndex;
    return match;
  }

  takeChar(char: string): boolean {
    this.take(BLANK);
    if (this.#text[this.#at] !== char) return false;
    this.#at++;
    this.take(BLANK);
    return true;
  }
}

function takeParam(scanner: Scanner, params: Map<string, string>): boolean {
  const name = scanner.take(PARAM_NAME)?.[0].toLowerCase();
  // A semicolon with nothing behind it is tolerated.
  if (name === undefined) return true;
  let value = "";
  if (scanner.takeChar("=")) {
    const quoted = scanner.take(QUOTED_VALUE);
    const token = quoted === null ? scanner.take(TOKEN_VALUE) : null;
    if (quoted === null && token === null) return false;
    value = quoted?.[1]?.replace(/\\(.)/g, "$1") ?? token?.[0] ?? "";
  }
  if (!params.has(name)) params.set(name, value);
  return true;
}

/**
 * Parses a Link header. Targets without angle brackets are taken too.
 *
 * @param header The header; several are joined by commas.
 * @returns The links; `undefined` when the header is malformed.
 */
export function parseLinks(header: string): Link[] | undefined {
  if (header.length > MAX_HEADER_LENGTH) return undefined;
  const scanner = new Scanner(header);
  const links: Link[] = [];
  do {
    while (scanner.takeChar(",")) { /* empty list elements count for nothing (RFC 9110 §5.6.1) */ }
    if (scanner.isAtEnd) break;
    const uri = scanner.take(BRACKETED_URI)?.[1] ?? scanner.take(BARE_URI)?.[0];
    if (uri === undefined) return undefined;
    const params = new Map<string, string>();
    while (scanner.takeChar(";")) {
      if (!takeParam(scanner, params)) return undefined;
    }
    links.push({ uri, params });
  } while (scanner.takeChar(","));
  return scanner.isAtEnd ? links : undefined;
}

/**
 * Finds the link that has a parameter with a value; `rel` may hold several values.
 *
 * @param links The links in order.
 * @param name The name of the parameter.
 * @param value The value it has to have.
 * @returns The first such link.
 */
export function findLink(links: readonly Link[], name: string, value: string): Link | undefined {
  return links.find(({ params }) =>
    params.get(name)?.toLowerCase().split(/[ \t]+/).includes(value) === true
  );
}

/**
 * Finds the next page. It has to be on the same origin: a registry has no business sending a client
 * and its credentials elsewhere for a list.
 *
 * @param requestURL The URL that was asked for.
 * @param header The Link header of the answer, if there is one.
 * @returns The URL of the next page; `undefined` when this was the last one.
 * @throws {RegistryError} when the header is malformed or leads elsewhere.
 */
export function nextPage(requestURL: URL, header: string | null): URL | undefined {
  if (header === null) return undefined;
  const refuse = (reason: string): never => {
    throw new RegistryError(`Cannot read the next page of ${redactURL(requestURL)}: ${reason}`, {
      status: 200,
      method: "GET",
      url: redactURL(requestURL),
    });
  };
  const links = parseLinks(header);
  if (links === undefined) return refuse("the Link header is malformed");
  const uri = findLink(links, "rel", "next")?.uri;
  if (uri === undefined) return undefined;
  if (!URL.canParse(uri, requestURL)) return refuse("the link is no URL");
  const next = new URL(uri, requestURL);
  if (next.origin !== requestURL.origin || next.username !== "" || next.password !== "") {
    return refuse(`the link leads to another origin, ${next.origin}`);
  }
  next.hash = "";
  return next;
}
