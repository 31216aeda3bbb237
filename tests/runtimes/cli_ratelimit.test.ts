import { test } from "node:test";
import assert from "node:assert/strict";
import { lading } from "./lading_main.ts";
import { startServer } from "./loopback.ts";

const LIMIT = {
  "ratelimit-limit": "100;w=21600",
  "ratelimit-remaining": "76;w=21600",
  "docker-ratelimit-source": "192.0.2.1",
};

test("lading ratelimit prints what the header of a manifest says", async () => {
  const server = await startServer(({ path }, response) => {
    const isLimited = path === "/v2/library/limited/manifests/latest";
    response.writeHead(path.includes("/none/") ? 404 : 200, isLimited ? LIMIT : {}).end();
  });
  const host = `127.0.0.1:${server.port}`;
  try {
    const told = await lading("ratelimit", `${host}/library/limited`);
    assert.equal(told.code, 0, told.errors);
    assert.equal(
      told.out,
      "limit      100\nremaining  76\nwindow     21600 s\nsource     192.0.2.1\n",
    );
    assert.deepEqual(
      server.seen.map(({ method, path }) => `${method} ${path}`),
      ["HEAD /v2/library/limited/manifests/latest"],
    );
    const json = await lading("ratelimit", `docker://${host}/library/limited:latest`, "--json");
    assert.deepEqual(JSON.parse(json.out), {
      limit: 100,
      remaining: 76,
      windowSeconds: 21_600,
      source: "192.0.2.1",
    });
    const silent = await lading("ratelimit", `${host}/library/free`);
    assert.deepEqual([silent.code, silent.out], [0, ""]);
    assert.match(silent.errors, /tells of no limit/);
    assert.equal((await lading("ratelimit", `${host}/library/free`, "--json")).out.trim(), "{}");
    assert.equal((await lading("ratelimit", `${host}/none/none`)).code, 3);
    assert.equal((await lading("ratelimit", "oci:./layout")).code, 2);
  } finally {
    await server.close();
  }
});
