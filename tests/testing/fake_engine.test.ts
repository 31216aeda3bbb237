import { test } from "node:test";
import { Engine } from "../../lib/engine/mod.ts";
import { fakeEngine, memoryRegistry } from "../../lib/testing/mod.ts";
import { ENGINE_SUITE } from "./engine_suite.ts";

for (const { name, run } of ENGINE_SUITE) {
  test(`fakeEngine(): ${name}`, async () => {
    const registry = memoryRegistry({ host: "127.0.0.1:5000" });
    const { transport } = fakeEngine({ network: registry.transport });
    await run({
      engine: new Engine({ transport }),
      transport,
      baseURL: "http://engine.test",
      host: registry.host,
      registryTransport: registry.transport,
    });
  });
}
