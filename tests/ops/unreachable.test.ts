// Where nobody answers, an error says where the content was to go.
import { test } from "node:test";
import assert from "node:assert/strict";
import { RegistryError } from "../../lib/model/errors.ts";
import { copy, sync } from "../../lib/ops/mod.ts";
import { Registry, type Repository } from "../../lib/registry/mod.ts";
import { memoryStore } from "../../lib/store/mod.ts";
import { memoryRegistry } from "../../lib/testing/mod.ts";
import { putImage } from "./content.ts";

/** A repository of a registry that nobody answers for, and what was sent to it. */
function nowhere(): { readonly repository: Repository; readonly sent: string[] } {
  const sent: string[] = [];
  const transport = ({ method, url }: Request): Promise<Response> => {
    sent.push(`${method} ${new URL(url).pathname}`);
    return Promise.reject(new TypeError("fetch failed"));
  };
  const registry = new Registry("to.test", { transport, retry: { retries: 0 } });
  return { repository: registry.repository("app"), sent };
}

test("a copy to a registry that is not reached says what was to be pushed, and asks once", async () => {
  const store = memoryStore();
  await putImage(store, ["layer"], { reference: "1" });
  const { repository, sent } = nowhere();
  await assert.rejects(async () => await copy(store, "1", repository), (error: unknown) => {
    assert.ok(error instanceof RegistryError);
    assert.match(error.message, /^Cannot push "to\.test\/app:1": no whole answer of to\.test: /);
    return true;
  });
  assert.deepEqual(sent, ["HEAD /v2/app/manifests/1"]);
});

test("sync() to a registry that is not reached says of each tag that it cannot be pushed", async () => {
  const store = memoryStore();
  await putImage(store, ["layer"], { reference: "1" });
  const { host, transport } = memoryRegistry();
  const from = new Registry(host, { transport }).repository("app");
  await copy(store, "1", from);
  const { failed: [tag] } = await sync(from, nowhere().repository, { keepGoing: true });
  assert.ok(tag?.error instanceof RegistryError);
  assert.match(tag.error.message, /^Cannot push "to\.test\/app:1": /);
});
