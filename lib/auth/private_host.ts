/** Address blocks that are not on the public internet (RFC 6890), as first octets and prefix lengths. */
const PRIVATE_BLOCKS: readonly (readonly [address: number, bits: number])[] = [
  [0x00000000, 8], // this host
  [0x0a000000, 8], // private
  [0x64400000, 10], // carrier-grade NAT; metadata of some clouds
  [0x7f000000, 8], // loopback
  [0xa9fe0000, 16], // link-local; metadata of most clouds
  [0xac100000, 12], // private
  [0xc0000000, 24], // protocol assignments; metadata of some clouds
  [0xc0a80000, 16], // private
  [0xc6120000, 15], // benchmarks
  [0xe0000000, 3], // multicast and reserved
];

const IPV4_REGEXP = /^\d{1,3}(?:\.\d{1,3}){3}$/;

function isPrivateIPv4(address: number): boolean {
  return PRIVATE_BLOCKS.some(([block, bits]) => (address ^ block) >>> (32 - bits) === 0);
}

/**
 * Gives the groups of an address of IPv6.
 *
 * @param address The address as the URL parser writes it: compressed, without dots and brackets.
 * @returns Eight numbers.
 */
export function groupsOf(address: string): number[] {
  const [head = "", tail] = address.split("::");
  const parse = (text: string): number[] =>
    text === "" ? [] : text.split(":").map((group) => Number.parseInt(group, 16));
  const front = parse(head);
  if (tail === undefined) return front;
  const back = parse(tail);
  return [...front, ...new Array<number>(8 - front.length - back.length).fill(0), ...back];
}

function isPrivateIPv6(groups: readonly number[]): boolean {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = groups;
  const embedded = (high: number, low: number): boolean => isPrivateIPv4((high << 16 | low) >>> 0);
  // ::, ::1 and IPv4 in IPv6, mapped (::ffff:0:0/96), compatible (::/96) or translated.
  if ((a | b | c | d | e) === 0 && (f === 0 || f === 0xffff)) return embedded(g, h);
  if ((a | b | c | d) === 0 && e === 0xffff && f === 0) return embedded(g, h);
  if (a === 0x64 && b === 0xff9b) return c !== 0 || embedded(g, h); // RFC 6052, RFC 8215
  if (a === 0x2002) return embedded(b, c); // RFC 3056
  // fc00::/7 unique local, fe80::/9 link-local and site-local, ff00::/8 multicast.
  return (a & 0xfe00) === 0xfc00 || (a & 0xff80) === 0xfe80 || (a & 0xff00) === 0xff00;
}

/**
 * Tells whether the host of a URL is, by its own text, a private, loopback, link-local, multicast
 * or unspecified address, or `localhost`. Names are not looked up.
 *
 * @param hostname The `hostname` of a `URL`, which has turned every spelling of an address
 * (`2130706433`, `0x7f.1`, `[::ffff:127.0.0.1]`) into one.
 * @returns Whether a request to it would stay inside.
 */
export function isPrivateHost(hostname: string): boolean {
  const host = hostname.toLowerCase().replace(/\.$/, "");
  if (host === "localhost" || host.endsWith(".localhost")) return true;
  if (host.startsWith("[")) return isPrivateIPv6(groupsOf(host.slice(1, -1)));
  if (!IPV4_REGEXP.test(host)) return false;
  return isPrivateIPv4(host.split(".").reduce((sum, octet) => sum * 256 + Number(octet), 0) >>> 0);
}
