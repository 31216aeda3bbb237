import { test } from "node:test";
import assert from "node:assert/strict";
import {
  InvalidDigestError,
  InvalidReferenceError,
  isLadingError,
} from "../../lib/model/errors.ts";
import { Registry } from "../../lib/registry/mod.ts";
import { endpointOf } from "../../lib/registry/endpoint.ts";
import { answer, bench, CONFIG, failure, MANIFEST } from "./scripted.ts";

const BAD_NAMES: readonly string[] = [
  "",
  "/",
  "a/",
  "/a",
  "a//b",
  ".",
  "..",
  "a/..",
  "a/../b",
  "x/../../_catalog",
  "a/./b",
  "a\r\nb",
  "a\nb",
  "a\tb",
  "a\0b",
  "a b",
  "A",
  "a/B",
  "a:b",
  "a@b",
  "a?b",
  "a#b",
  "a%2fb",
  "a%2e%2e",
  "a\\b",
  "a;b",
  "a&b",
  "_catalog",
  "a__-b",
  "-a",
  "a-",
  "a..b",
  "a.-b",
  "\u2028",
  "a\u2028b",
  "日本",
  "a/日本",
  "http://evil.test/a",
  "//evil.test/a",
  "a".repeat(256),
  `${"a/".repeat(128)}b`,
];

const BAD_REFERENCES: readonly string[] = [
  "",
  ".",
  "..",
  "-a",
  ".a",
  "a b",
  "a/b",
  "../a",
  "a\r\nb",
  "a\r\nX-Evil: 1",
  "a\0",
  "a\u2028b",
  "a?b",
  "a#b",
  "a%20b",
  "a:b",
  "a@b",
  "@",
  "a+b",
  "日本",
  "a".repeat(129),
  "sha256:",
  "sha256:abc",
  `sha256:${"0".repeat(63)}`,
  `sha256:${"0".repeat(65)}`,
  `sha256:${"A".repeat(64)}`,
  `sha256:${"0".repeat(64)}\n`,
  `sha256:../${"0".repeat(61)}`,
  `../x@sha256:${"0".repeat(64)}`,
  `md5:${"0".repeat(32)}`,
  `sha384:${"0".repeat(96)}`,
  `v1@sha256:${"0".repeat(63)}`,
];

const BAD_DIGESTS: readonly string[] = BAD_REFERENCES.filter((text) => !text.includes("@"));

test("C4, C10 and C11: repository names that are none are refused, with no request", () => {
  const b = bench(() => undefined);
  for (const name of BAD_NAMES) {
    assert.throws(() => b.registry.repository(name), InvalidReferenceError, JSON.stringify(name));
  }
  assert.equal(b.transport.seen.length, 0);
});

test("C10 and C11: tags and digests that are none are refused, with no request", async () => {
  const b = bench((request) => answer(MANIFEST, request));
  for (const reference of BAD_REFERENCES) {
    const calls: (() => Promise<unknown>)[] = [
      () => b.repository.resolve(reference),
      () => b.repository.manifest(reference),
      () => b.repository.image(reference),
      () => b.repository.tag(MANIFEST.descriptor, reference),
    ];
    for (const call of calls) {
      const error = await failure(call());
      assert.ok(
        error instanceof InvalidReferenceError || error instanceof InvalidDigestError,
        `${JSON.stringify(reference)}: ${String(error)}`,
      );
    }
  }
  assert.equal(b.transport.seen.length, 0);
});

test("C10 and C11: descriptors with digests that are none are refused, with no request", async () => {
  const b = bench((request) => answer(MANIFEST, request));
  for (const digest of BAD_DIGESTS) {
    for (const { descriptor } of [MANIFEST, CONFIG]) {
      const target = { ...descriptor, digest };
      const calls: (() => Promise<unknown>)[] = [
        () => b.repository.fetch(target),
        () => b.repository.exists(target),
        () => b.repository.push(target, MANIFEST.raw),
        () => b.repository.platforms(target),
        () => b.repository.referrers(target).next(),
      ];
      for (const call of calls) {
        const error = await failure(call());
        assert.ok(isLadingError(error), `${JSON.stringify(digest)}: ${String(error)}`);
      }
    }
  }
  assert.equal(b.transport.seen.length, 0);
});

test("sizes that are none are refused, with no request", async () => {
  const b = bench((request) => answer(CONFIG, request));
  for (const size of [-1, NaN, Infinity, 0.5, 2 ** 53]) {
    const error = await failure(b.repository.fetch({ ...CONFIG.descriptor, size }));
    assert.ok(error instanceof RangeError, `${size}: ${String(error)}`);
  }
  assert.equal(b.transport.seen.length, 0);
});

test("C11: what is asked for on the wire is what was meant", async () => {
  const names = ["a", "a/b/c", "a-b", "a--b", "a__b", "a.b/c_d", "0/1", "a".repeat(255)];
  const tags = ["1", "_", "a.b-c_d", "A", "x".repeat(128), "..a".slice(2), "1..2"];
  for (const name of names) {
    for (const tag of tags) {
      const b = bench((request) => answer(MANIFEST, request), { name });
      await b.clock.run(b.repository.manifest(tag));
      assert.equal(b.transport.seen[0]?.path, `/v2/${name}/manifests/${tag}`);
    }
  }
});

test("hosts that are none are refused", () => {
  for (
    const host of [
      "",
      "a b",
      "a/b",
      "https://ghcr.io",
      "user@ghcr.io",
      "user:pw@ghcr.io",
      "ghcr.io:99999",
      "ghcr.io:port",
      "ghcr.io?x",
      "ghcr.io#x",
      "a\r\nb",
      "[::1",
      "..",
      "-a.test",
      "日本.test",
    ]
  ) {
    assert.throws(() => new Registry(host), InvalidReferenceError, JSON.stringify(host));
  }
});

test("headers that are none are refused at once, and not taken for a network that fails", () => {
  for (const value of ["a\r\nb: c", "a\nb", "a\0b"]) {
    assert.throws(() => new Registry("r.test", { userAgent: value }), TypeError);
    assert.throws(() => new Registry("r.test", { headers: { "x-own": value } }), TypeError);
  }
  assert.throws(() => new Registry("r.test", { headers: { "x own": "a" } }), TypeError);
});

test("C5: http is for loopback alone", () => {
  const rows: readonly (readonly [host: string, scheme: "http" | "https"])[] = [
    ["localhost", "http"],
    ["localhost:5000", "http"],
    ["127.0.0.1", "http"],
    ["127.0.0.1:5000", "http"],
    ["127.8.9.10:80", "http"],
    ["[::1]", "http"],
    ["[::1]:5000", "http"],
    ["127.0.0.1.evil.com", "https"],
    ["localhost.evil.com:5000", "https"],
    ["notlocalhost:5000", "https"],
    ["127.evil.com", "https"],
    ["10.0.0.1:5000", "https"],
    ["192.168.0.1", "https"],
    ["registry.local:5000", "https"],
    ["ghcr.io", "https"],
    ["ghcr.io:80", "https"],
    ["[2001:db8::1]:5000", "https"],
  ];
  for (const [host, scheme] of rows) {
    assert.equal(new URL(endpointOf(host).origin).protocol, `${scheme}:`, host);
    assert.match(endpointOf(host, true).origin, /^http:/, host);
    assert.match(endpointOf(host, false).origin, /^https:/, host);
  }
});

test("C5: an https registry that cannot be reached is not asked over http", async () => {
  const b = bench(() => {
    throw new TypeError("connection refused");
  });
  await failure(b.clock.run(b.repository.manifest("v1")));
  assert.deepEqual([...new Set(b.transport.seen.map(({ url }) => new URL(url).protocol))], [
    "https:",
  ]);
});

test("every name of Docker Hub is Docker Hub", () => {
  for (const host of ["docker.io", "index.docker.io", "registry-1.docker.io"]) {
    const registry = new Registry(host);
    assert.equal(registry.name, "docker.io");
    assert.equal(registry.origin, "https://registry-1.docker.io");
    assert.equal(registry.repository("alpine").name, "library/alpine");
    assert.equal(registry.repository("acme/app").name, "acme/app");
  }
  assert.equal(new Registry("ghcr.io").repository("app").name, "app");
});
