import { test } from "node:test";
import assert from "node:assert/strict";
import { memoryStore, registryHandler } from "../../mod.ts";
import { digestBytes } from "../../lib/hash/mod.ts";
import { serve } from "../../lib/runtime/serve.ts";
import {
  estargzLayer,
  noise,
  putTableImage,
  type TableLayer,
  zstdChunkedLayer,
} from "../image/table_layers.ts";
import { lading } from "./lading_main.ts";

/** Runs `lading cat` against a socket, and counts the bytes of the layer that came over it. */
async function fetchedByCat(layer: TableLayer): Promise<{ out: string; bytes: number }> {
  const store = memoryStore();
  await store.tag(await putTableImage(store, [layer]), "acme/app:1");
  const handler = registryHandler(store);
  const digest = digestBytes("sha256", layer.bytes);
  let bytes = 0;
  const server = await serve(async (request) => {
    const answer = await handler(request);
    const isLayer = request.method === "GET" && request.url.endsWith(digest);
    if (isLayer) bytes += Number(answer.headers.get("content-length"));
    return answer;
  });
  try {
    const { out, code, errors } = await lading(
      "cat",
      `127.0.0.1:${server.port}/acme/app:1`,
      "/etc/os-release",
    );
    assert.equal(code, 0, errors);
    return { out, bytes };
  } finally {
    await server.close();
  }
}

test("lading cat of one file of a large layer fetches less than 5 % of its bytes", async () => {
  const files = [
    { path: "etc/os-release", body: new TextEncoder().encode("ID=test\n") },
    ...Array.from({ length: 100 }, (_, index) => ({
      path: `usr/lib/file${index}`,
      body: noise(100_000, index + 1),
    })),
  ];
  for (const make of [estargzLayer, zstdChunkedLayer]) {
    const layer = await make(files);
    const { out, bytes } = await fetchedByCat(layer);
    assert.equal(out, "ID=test\n");
    assert.ok(bytes > 0 && bytes < layer.bytes.length / 20, `${make.name}: ${bytes} bytes`);
    const plain = await fetchedByCat({ ...layer, annotations: {} });
    assert.equal(plain.out, "ID=test\n");
    assert.ok(plain.bytes >= layer.bytes.length, "what is not proved is read whole");
  }
});
