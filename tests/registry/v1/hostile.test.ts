import { test } from "node:test";
import assert from "node:assert/strict";
import { RegistryV1, type RepositoryV1 } from "../../../lib/registry/v1/mod.ts";
import { ID, putSample } from "./v1_sample.ts";
import { V1Server, type V1ServerOptions } from "./v1_server.ts";

const NAME = "acme/app";

function registryOf({ host, transport }: V1Server): RegistryV1 {
  return new RegistryV1(host, { transport, retry: { retries: 0 } });
}

/** A repository whose server answers one path by a given answer. */
function answering(suffix: string, answer: () => Response): RepositoryV1 {
  const options: V1ServerOptions = {
    intercept: (_, url) => url.pathname.endsWith(suffix) ? answer() : undefined,
  };
  return registryOf(new V1Server(options)).repository(NAME);
}

test("answers without an end are cut off, and their bodies are let go", async () => {
  let isCancelled = false;
  const endless = () =>
    new Response(
      new ReadableStream({
        pull: (controller) => controller.enqueue(new Uint8Array(65536).fill(0x20)),
        cancel: () => {
          isCancelled = true;
        },
      }),
    );
  const calls: Record<string, (repository: RepositoryV1) => Promise<unknown>> = {
    "/tags": (repository) => repository.tags(),
    "/json": (repository) => repository.image(ID(1)),
    "/ancestry": (repository) => repository.ancestry(ID(1)),
    "/images": (repository) => repository.images(),
  };
  for (const [suffix, call] of Object.entries(calls)) {
    isCancelled = false;
    await assert.rejects(call(answering(suffix, endless)), { code: "LIMIT_EXCEEDED" }, suffix);
    assert.equal(isCancelled, true, suffix);
  }
});

test("a search without an end stops after a thousand pages", async () => {
  let page = 0;
  const transport = () =>
    Promise.resolve(Response.json({ num_pages: 1e9, results: [{ name: `a/b${page++}` }] }));
  const registry = new RegistryV1("v1.test", { transport });
  const search = async () => {
    for await (const _ of registry.search("x"));
  };
  await assert.rejects(search(), { code: "LIMIT_EXCEEDED" });
  assert.equal(page, 1000);
});

test("an image with too many layers is refused", async () => {
  const ids = [ID(1), ...Array.from({ length: 1000 }, (_, i) => String(i).padStart(64, "0"))];
  const repository = answering("/ancestry", () => Response.json(ids));
  await assert.rejects(repository.ancestry(ID(1)), { code: "LIMIT_EXCEEDED" });
});

test("documents that two readers could understand differently are refused", async () => {
  const documents = [
    `{"id":"${ID(1)}","id":"${ID(2)}"}`,
    `{"id":"${ID(1)}","parent":"${ID(2)}","parent":"${ID(3)}"}`,
    `${"[".repeat(200)}${"]".repeat(200)}`,
    `\ufeff{"id":"${ID(1)}"}`,
  ];
  for (const text of documents) {
    const repository = answering("/json", () => new Response(text));
    await assert.rejects(repository.image(ID(1)), { code: "INVALID_CONFIG" }, text);
  }
});

test("names in lists are data, whatever they are", async () => {
  const text = `{"__proto__":"${ID(1)}","constructor":"${ID(2)}","../x":"${ID(3)}","a":5}`;
  const tags = await answering("/tags", () => new Response(text)).tags();
  assert.deepEqual([...tags], [["__proto__", ID(1)], ["constructor", ID(2)]]);
});

test("tokens that are none are not sent on", async () => {
  for (const token of ["x".repeat(5000), "caf\u00e9", ""]) {
    const server = new V1Server();
    await putSample(server, NAME, "1");
    const { transport } = server;
    const registry = new RegistryV1(server.host, {
      retry: { retries: 0 },
      async transport(request) {
        const answer = await transport(request);
        answer.headers.set("x-docker-token", token);
        return answer;
      },
    });
    await registry.repository(NAME).resolve("1");
    assert.equal(server.requests.at(-1)?.headers.get("authorization"), null, token.slice(0, 9));
  }
});

test("more hosts than anybody has are not asked", async () => {
  const hosts = Array.from({ length: 50 }, (_, i) => `h${i}.test`);
  const server = new V1Server({
    host: "index.test",
    hosts,
    intercept: (_, url) => hosts.includes(url.host) ? new Response("", { status: 502 }) : undefined,
  });
  await putSample(server, NAME, "1");
  await assert.rejects(registryOf(server).repository(NAME).resolve("1"));
  assert.equal(server.requests.length, 1 + 8);
});
