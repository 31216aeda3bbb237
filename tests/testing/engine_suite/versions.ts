/** What every engine does: what an engine says of itself, and the versions of its API. */
import assert from "node:assert/strict";
import { ApiVersionError, Engine } from "../../../lib/engine/mod.ts";
import { ask, type EngineCase } from "./bench.ts";

export const VERSIONS: readonly EngineCase[] = [
  {
    name: "it says what it is",
    async run(bench) {
      const { engine } = bench;
      const ping = await engine.ping();
      assert.equal(ping.apiVersion, "1.41");
      assert.equal(ping.os, "linux");
      assert.equal(ping.isExperimental, false);
      assert.match(ping.server, /^Docker\/20\.10\.\S+ \(linux\)$/);
      const version = await engine.version();
      assert.equal(version.apiVersion, "1.41");
      assert.equal(version.minAPIVersion, "1.12");
      assert.equal(version.os, "linux");
      assert.match(version.version, /^20\.10\./);
      assert.equal(await engine.apiVersion(), "1.41");
      const body = await (await ask(bench, "GET", "/_ping")).text();
      assert.equal(body, "OK");
    },
  },
  {
    name: "versions of the API are too new, too old, or none",
    async run(bench) {
      const tooNew = await ask(bench, "GET", "/v9.99/info");
      assert.equal(tooNew.status, 400);
      assert.equal(tooNew.headers.get("api-version"), "1.41");
      assert.deepEqual(await tooNew.json(), {
        message: "client version 9.99 is too new. Maximum supported API version is 1.41",
      });
      const tooOld = await ask(bench, "GET", "/v1.01/info");
      assert.equal(tooOld.status, 400);
      assert.equal(tooOld.headers.get("content-type"), "text/plain; charset=utf-8");
      assert.equal(
        await tooOld.text(),
        "client version 1.01 is too old. Minimum supported API version is 1.12, please upgrade " +
          "your client to a newer version\n",
      );
      const old = await ask(bench, "GET", "/v1.23/images/nosuch/json");
      assert.equal(old.status, 404);
      assert.match(old.headers.get("content-type") ?? "", /^text\/plain/);
      assert.equal(await old.text(), "no such image: nosuch: No such image: nosuch:latest\n");
      for (const path of ["/vabc/info", "/v1.41/nosuch"]) {
        const nowhere = await ask(bench, "POST", path);
        assert.equal(nowhere.status, 404, path);
        assert.equal(nowhere.headers.get("api-version"), null, path);
        assert.deepEqual(await nowhere.json(), { message: "page not found" }, path);
      }
      const pinned = new Engine({
        transport: bench.transport,
        baseURL: bench.baseURL,
        apiVersion: "1.55",
      });
      await assert.rejects(pinned.images.list(), ApiVersionError);
    },
  },
  {
    name: "a path with two slashes leads elsewhere",
    async run(bench) {
      const answer = await ask(bench, "GET", "/v1.41/images//json");
      assert.equal(answer.status, 301);
      assert.equal(answer.headers.get("location"), "/v1.41/images/json");
      await answer.body?.cancel();
    },
  },
];
