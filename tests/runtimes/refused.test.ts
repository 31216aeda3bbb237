// Ports where nobody listens are told from registries that are gone for a moment.
import { test } from "node:test";
import assert from "node:assert/strict";
import { isLadingError } from "../../lib/model/errors.ts";
import { Registry } from "../../lib/registry/mod.ts";
import { hostTransport } from "../../lib/runtime/host_transport.ts";
import { startServer } from "./loopback.ts";

/** A registry on loopback whose requests are counted. */
function counted(port: number) {
  const send = hostTransport();
  const asked = { count: 0 };
  const registry = new Registry(`127.0.0.1:${port}`, {
    transport: (request) => (asked.count++, send(request)),
    retry: { retries: 4, baseMs: 1 },
  });
  return { registry, asked, repository: registry.repository("app") };
}

async function freePort(): Promise<number> {
  const server = await startServer((_, response) => void response.end());
  await server.close();
  return server.port;
}

test("a port where nobody listens is asked twice at first, then once for each request", async () => {
  const { repository, asked } = counted(await freePort());
  const refused = (error: unknown): boolean =>
    isLadingError(error) && /after 2 attempts: fetch failed: .*refused/i.test(error.message);
  await assert.rejects(repository.resolve("1"), refused);
  assert.equal(asked.count, 2);
  await assert.rejects(repository.resolve("1"), { status: 0 });
  assert.equal(asked.count, 3);
});

test("requests at the same time are each sent twice where nobody listens", async () => {
  const { repository, asked } = counted(await freePort());
  const both = await Promise.allSettled([repository.resolve("1"), repository.resolve("2")]);
  assert.deepEqual(both.map(({ status }) => status), ["rejected", "rejected"]);
  assert.equal(asked.count, 4);
});

test("a registry that has answered is asked as often as any: it may be restarting", async () => {
  const server = await startServer((_, response) => void response.end("{}"));
  const { registry, repository, asked } = counted(server.port);
  await registry.authenticate();
  await server.close();
  asked.count = 0;
  await assert.rejects(repository.resolve("1"), { status: 0 });
  assert.equal(asked.count, 5);
});

test("a registry that comes up between two requests is found", async () => {
  const port = await freePort();
  const { registry, asked } = counted(port);
  await assert.rejects(registry.authenticate(), { status: 0 });
  const server = await startServer((_, response) => void response.end("{}"), { port });
  try {
    asked.count = 0;
    await registry.authenticate();
    assert.equal(asked.count, 1);
  } finally {
    await server.close();
  }
});
