import { groupsOf } from "../auth/private_host.ts";
import { isLoopbackHost } from "../registry/endpoint.ts";

/** The eight groups of an address of IPv6; one of IPv4 is mapped there (RFC 4291 §2.5.5.2). */
type Groups = readonly number[];

/** The bits in front of an address of IPv4, as groups and in number. */
const MAPPED: Groups = [0, 0, 0, 0, 0, 0xffff];
const MAPPED_BITS = 96;

/** 127.0.0.0/8, mapped. */
const LOOPBACK: Groups = [...MAPPED, 0x7f00, 0];

const IPV4_REGEXP = /^(?:(?:0|[1-9]\d{0,2})(?:\.(?!$)|$)){4}$/;

/** A host, or an address of IPv6 in brackets, with or without a port. */
const ITEM_REGEXP = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d*))?$/;

/**
 * Tells whether requests to a server go past all proxies, by the rules of Go's
 * `golang.org/x/net/http/httpproxy`, which docker goes by: loopback does, and what the list names. It
 * holds `*`, addresses, blocks of them (`10.0.0.0/8`), domains with all that is below, and what is
 * below alone (`.example.com`, `*.example.com`); all but blocks may have a port.
 *
 * @param url Where a request goes.
 * @param list What `no_proxy` says.
 * @returns Whether it goes there directly.
 */
export function isDirect(url: URL, list: string): boolean {
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  const address = addressOf(host);
  if (isLoopbackHost(url.hostname) || isIn(address, LOOPBACK, MAPPED_BITS + 8)) return true;
  const port = url.port || (url.protocol === "http:" ? "80" : "443");
  return list.split(",").some((item) => names(item.trim().toLowerCase(), host, address, port));
}

/** Tells whether an item of the list names a server. */
function names(item: string, host: string, address: Groups | undefined, port: string): boolean {
  if (item === "*") return true;
  const [, network = "", bits] = /^([^/]*)\/(\d{1,3})$/.exec(item) ?? [];
  const block = addressOf(network);
  if (block !== undefined) {
    return isIn(address, block, Number(bits) + (network.includes(":") ? 0 : MAPPED_BITS));
  }
  // An address of IPv6 without brackets is all of the item.
  const [, bracketed, plain = "", onPort = ""] = ITEM_REGEXP.exec(item) ?? [item, item];
  const bare = bracketed ?? plain;
  if (bare === "" || onPort !== "" && onPort !== port) return false;
  const named = addressOf(bare);
  if (named !== undefined) return isIn(address, named, 128);
  const domain = asciiOf(bare.replace(/^\*(?=\.)/, ""));
  return host.endsWith(domain.startsWith(".") ? domain : `.${domain}`) || host === domain;
}

/** Reads an address; `undefined` when the text is none. */
function addressOf(text: string): Groups | undefined {
  if (IPV4_REGEXP.test(text)) {
    const [a = 0, b = 0, c = 0, d = 0] = text.split(".").map(Number);
    return Math.max(a, b, c, d) > 255 ? undefined : [...MAPPED, a << 8 | b, c << 8 | d];
  }
  const url = `http://[${text}]`;
  const isIPv6 = /^[\da-f.]*:[\da-f:.]*$/.test(text) && URL.canParse(url);
  return isIPv6 ? groupsOf(new URL(url).hostname.slice(1, -1)) : undefined;
}

/** Tells whether an address begins with the same bits; the blocks of IPv6 have no IPv4 in them. */
function isIn(address: Groups | undefined, block: Groups, bits: number): boolean {
  if (address === undefined || bits > 128 || isMapped(address) !== isMapped(block)) return false;
  return block.every((group, index) => {
    const unused = 16 - Math.min(16, Math.max(0, bits - 16 * index));
    return (group ^ (address[index] ?? 0)) >> unused === 0;
  });
}

function isMapped(address: Groups): boolean {
  return MAPPED.every((group, index) => group === address[index]);
}

/** The name as it stands in URLs. */
function asciiOf(domain: string): string {
  const url = `http://x${domain.startsWith(".") ? domain : `.${domain}`}`;
  const isForeign = /[^\x20-\x7e]/.test(domain) && URL.canParse(url);
  return isForeign ? new URL(url).hostname.slice(domain.startsWith(".") ? 1 : 2) : domain;
}
