// Which servers go past all proxies: as Go has it, in golang.org/x/net/http/httpproxy.
import { test } from "node:test";
import assert from "node:assert/strict";
import { isDirect } from "../../lib/runtime/_no_proxy.ts";

/** A list, what goes directly with it, and what goes to a proxy. */
const RULES: readonly [list: string, direct: string, proxied: string][] = [
  [
    "",
    "http://localhost http://localhost:5000 https://127.0.0.1 https://127.0.0.2:5000 " +
    "https://[::1] https://[::1]:5000 https://[::ffff:127.0.0.1] https://0x7f.1",
    "https://a.test https://localhost.test https://127.0.0.1.test https://10.0.0.1 " +
    "https://[::2] https://128.0.0.1",
  ],
  ["*", "https://a.test https://10.0.0.1 https://[2001:db8::1]:5000", ""],
  [" , *", "https://a.test", ""],
  [
    "10.0.0.0/8, 192.168.1.128/25,172.16.0.0/33",
    "https://10.0.0.1 https://10.255.255.255:5000 http://192.168.1.200 https://[::ffff:10.0.0.1]",
    "https://11.0.0.1 https://9.255.255.255 https://192.168.1.1 https://172.16.0.1 " +
    "https://10.0.0.1.test https://[::10.0.0.1]",
  ],
  ["10.1.2.3/8", "https://10.9.9.9", "https://11.1.2.3"],
  ["0.0.0.0/0", "https://1.2.3.4", "https://[2001:db8::1] https://a.test"],
  ["::/0", "https://[2001:db8::1]", "https://1.2.3.4 https://a.test"],
  [
    "2001:db8::/32,fe80::/10",
    "https://[2001:db8::1] https://[2001:db8:ffff::1]:5000 https://[febf::1]",
    "https://[2001:db9::1] https://[fec0::1]",
  ],
  ["2001:DB8::1", "https://[2001:db8::1] https://[2001:db8::1]:5000", "https://[2001:db8::2]"],
  ["[2001:db8::1]:5000", "https://[2001:db8::1]:5000", "https://[2001:db8::1]"],
  ["[2001:db8::1]", "https://[2001:db8:0::1]:5000", "https://[2001:db8::3]"],
  ["1.2.3.4:443", "https://1.2.3.4", "https://1.2.3.4:5000 http://1.2.3.4"],
  ["1.2.3.4:80", "http://1.2.3.4", "https://1.2.3.4"],
  [
    "acme.test",
    "https://acme.test https://ACME.test:5000 https://a.b.acme.test",
    "https://notacme.test https://acme.test.example",
  ],
  ["acme.test:5000", "https://acme.test:5000 https://a.acme.test:5000", "https://acme.test"],
  [".acme.test", "https://a.acme.test https://a.b.acme.test:5000", "https://acme.test"],
  ["*.acme.test:443", "https://a.acme.test", "https://acme.test https://a.acme.test:5000"],
  [
    "m\u00fcller.test",
    "https://m\u00fcller.test https://a.xn--mller-kva.test",
    "https://mller.test",
  ],
  [":5000,/8,1.2.3/8,[],1.2.3,a:b:c,01.2.3.4", "", "https://a.test:5000 https://1.2.3.4"],
];

test("isDirect() knows hosts, domains, addresses and blocks of them as Go does", () => {
  const urls = (text: string): URL[] => text.split(" ").filter(Boolean).map((url) => new URL(url));
  for (const [list, direct, proxied] of RULES) {
    for (const url of urls(direct)) assert.ok(isDirect(url, list), `${url} is direct in "${list}"`);
    for (const url of urls(proxied)) assert.ok(!isDirect(url, list), `${url} is not in "${list}"`);
  }
});
