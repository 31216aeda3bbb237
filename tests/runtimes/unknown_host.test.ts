// Hosts that do not exist are told from name servers that do not answer.
import { test } from "node:test";
import assert from "node:assert/strict";
import { RegistryError } from "../../lib/model/errors.ts";
import { Registry } from "../../lib/registry/mod.ts";
import { unknownHost } from "../../lib/runtime/_unknown_host.ts";
import { hostTransport } from "../../lib/runtime/host_transport.ts";

const REQUEST = new Request("https://no.example/v2/?signature=CANARY");

const failed = (cause: unknown): TypeError => new TypeError("fetch failed", { cause });

test("what each system says of a name that nobody has is final, and nothing else is", () => {
  const unknown = [
    "getaddrinfo ENOTFOUND no.example",
    "failed to lookup address information: Name or service not known",
    "failed to lookup address information: nodename nor servname provided, or not known",
    "failed to lookup address information: Name does not resolve",
    "failed to lookup address information: No address associated with hostname",
    "No such host is known. (os error 11001)",
  ];
  for (const message of unknown) {
    const error = unknownHost(failed(new Error(message)), REQUEST);
    assert.ok(error instanceof RegistryError, message);
    assert.equal(error.message, 'Cannot reach "no.example": there is no such host');
    assert.deepEqual([error.status, error.method, error.url], [
      0,
      "GET",
      "https://no.example/v2/",
    ]);
  }
  const temporary = [
    "getaddrinfo EAI_AGAIN no.example",
    "failed to lookup address information: Temporary failure in name resolution",
    "failed to lookup address information: Try again",
    "connect ECONNREFUSED 127.0.0.1:1",
    "the issuer is not known",
  ];
  for (const message of temporary) {
    assert.equal(unknownHost(failed(new Error(message)), REQUEST), undefined, message);
  }
  assert.equal(unknownHost(failed(undefined), REQUEST), undefined);
  assert.equal(unknownHost(new Error("ENOTFOUND"), REQUEST), undefined);
});

test("a registry that does not exist is asked once", async () => {
  const send = hostTransport();
  let asked = 0;
  const registry = new Registry(`${"a".repeat(64)}.test`, {
    transport: (request) => (asked++, send(request)),
    retry: { retries: 2, baseMs: 1 },
  });
  await assert.rejects(registry.repository("app").resolve("1"), { status: 0 });
  assert.equal(asked, 1);
});
