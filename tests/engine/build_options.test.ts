import assert from "node:assert/strict";
import { test } from "node:test";
import type { BuildContext, PackOptions } from "../../lib/engine/build_context.ts";
import { checkContext } from "../../lib/engine/_context_check.ts";
import { ApiVersionError, type BuildOptions } from "../../lib/engine/mod.ts";
import { failure } from "./scripted.ts";
import { building, built, DOCKERFILE, ID } from "./scripted_build.ts";

async function queryOf(options: BuildOptions, speaks = "1.41"): Promise<[string, string][]> {
  const { engine, sent } = building(built, { speaks });
  await engine.images.build(DOCKERFILE, options);
  return (sent[0]?.query ?? []).map(([key, value]) => [key, value]);
}

test("every option of docker-py and go-dockerclient has its parameter", async () => {
  const query = await queryOf({
    tags: ["app:1", "registry.test:5000/app"],
    buildArgs: { A: "1", B: null },
    labels: { a: "b" },
    target: "first",
    platform: "linux/arm64",
    noCache: true,
    pull: true,
    quiet: false,
    rm: false,
    forceRm: true,
    squash: true,
    cacheFrom: ["app:0"],
    networkMode: "none",
    extraHosts: { db: "10.0.0.1", six: "::1" },
    shmSize: 67108864,
    isolation: "default",
    limits: {
      memory: 1e6,
      memorySwap: -1,
      cpuShares: 2,
      cpuQuota: 3,
      cpuPeriod: 4,
      cpuSetCpus: "0-3",
      cpuSetMems: "0",
    },
    ulimits: [{ name: "nofile", soft: 10, hard: 20 }],
    cgroupParent: "/parent",
    securityOptions: ["credentialspec=x"],
    version: 1,
  });
  assert.deepEqual(query, [
    ["t", "app:1"],
    ["t", "registry.test:5000/app"],
    ["q", "0"],
    ["nocache", "1"],
    ["rm", "0"],
    ["forcerm", "1"],
    ["pull", "1"],
    ["buildargs", '{"A":"1","B":null}'],
    ["labels", '{"a":"b"}'],
    ["cachefrom", '["app:0"]'],
    ["extrahosts", "db:10.0.0.1"],
    ["extrahosts", "six:::1"],
    ["ulimits", '[{"Name":"nofile","Hard":20,"Soft":10}]'],
    ["securityopt", "credentialspec=x"],
    ["target", "first"],
    ["platform", "linux/arm64"],
    ["networkmode", "none"],
    ["isolation", "default"],
    ["cgroupparent", "/parent"],
    ["squash", "1"],
    ["shmsize", "67108864"],
    ["version", "1"],
    ["memory", "1000000"],
    ["memswap", "-1"],
    ["cpushares", "2"],
    ["cpuquota", "3"],
    ["cpuperiod", "4"],
    ["cpusetcpus", "0-3"],
    ["cpusetmems", "0"],
  ]);
});

test("what is not asked for is no parameter", async () => {
  assert.deepEqual(await queryOf({}), []);
  const empty = {
    buildArgs: {},
    labels: {},
    cacheFrom: [],
    extraHosts: [],
    ulimits: [],
    limits: {},
  };
  assert.deepEqual(await queryOf({ ...empty, tags: [] }), []);
  assert.deepEqual(await queryOf({ extraHosts: ["a:1.2.3.4", "b:::1"] }), [
    ["extrahosts", "a:1.2.3.4"],
    ["extrahosts", "b:::1"],
  ]);
});

test("an engine that is too old for an option is an ApiVersionError, before anything is sent", async () => {
  const gates: readonly [BuildOptions, string, string][] = [
    [{ shmSize: 1 }, "1.21", "1.22"],
    [{ labels: { a: "b" } }, "1.22", "1.23"],
    [{ isolation: "process" }, "1.23", "1.24"],
    [{ cacheFrom: ["a"] }, "1.24", "1.25"],
    [{ networkMode: "none" }, "1.24", "1.25"],
    [{ squash: true }, "1.24", "1.25"],
    [{ extraHosts: { a: "b" } }, "1.26", "1.27"],
    [{ target: "a" }, "1.28", "1.29"],
    [{ platform: "linux/amd64" }, "1.31", "1.32"],
    [{ version: 2 }, "1.38", "1.39"],
    [{ version: 2, outputs: [{ type: "moby" }] }, "1.39", "1.40"],
  ];
  for (const [options, apiVersion, needed] of gates) {
    const { engine, sent } = building(built, { apiVersion });
    const error = await failure(engine.images.build(DOCKERFILE, options));
    assert.ok(error instanceof ApiVersionError, JSON.stringify(options));
    assert.equal(error.needed, needed);
    assert.deepEqual(sent, []);
    const newer = building(built, { apiVersion: needed });
    await newer.engine.images.build(DOCKERFILE, options);
  }
});

test("what is wrong with options is told at once", () => {
  const { engine, sent } = building();
  const wrong: readonly [BuildOptions, RegExp][] = [
    [{ tags: "" }, /Reference/],
    [{ tags: ":justtag" }, /Reference/],
    [{ tags: ["app", "Uppercase:tag"] }, /Reference/],
    [{ tags: "test:5000/Uppercase/lowercase:tag" }, /Reference/],
    [{ tags: "aa/asdf$$^/aa" }, /Reference/],
    [{ tags: `app@${ID}` }, /Reference/],
    [{ limits: { memori: 1 } as unknown as BuildOptions["limits"] }, /TypeError/],
    [{ limits: { memory: 1.5 } }, /RangeError/],
    [{ limits: { memory: "1m" as unknown as number } }, /RangeError/],
    [{ limits: { cpuShares: -1 } }, /RangeError/],
    [{ shmSize: Number.NaN }, /RangeError/],
    [{ extraHosts: ["nothing"] }, /TypeError/],
    [{ ulimits: [{ name: " ", soft: 1, hard: 1 }] }, /TypeError/],
    [{ platform: "no/such/plat/form/ever" }, /Platform/],
    [{ outputs: [{ type: "moby" }] }, /TypeError/],
    [{ version: 2, outputs: [{ type: "moby" }, { type: "moby" }] }, /TypeError/],
    [{ version: 2, outputs: [{ type: "cacheonly" }] }, /TypeError/],
    [{ version: 2, outputs: [{ type: "local" }] }, /BuildSessionError/],
    [{ version: 2, limits: { memory: 1 } }, /TypeError/],
    [{ version: "2" as unknown as 2 }, /TypeError/],
    [{ version: 2, registries: ["r.test"] }, /BuildSessionError/],
    [{ version: 2, squash: true }, /TypeError/],
    [{ version: 2, isolation: "process" }, /TypeError/],
    [{ version: 2, cgroupParent: "x" }, /TypeError/],
    [{ version: 2, credentials: { "r.test": { kind: "anonymous" } } }, /BuildSessionError/],
  ];
  for (const [options, name] of wrong) {
    const shown = JSON.stringify(options);
    assert.throws(() => engine.images.build(DOCKERFILE, options), (error: unknown) => {
      assert.match((error as Error).name, name, shown);
      return true;
    }, shown);
  }
  assert.deepEqual(sent, []);
});

test("what is no context and no path of a Dockerfile is told at once", () => {
  const { engine, sent } = building();
  const entries = { entries: [] };
  const wrong: readonly (readonly [unknown, BuildOptions?])[] = [
    ...["", "  ", "a\0b", 5, null, undefined, {}, { other: 1 }].map((context) =>
      [context] as const
    ),
    ...[[], new Map()].map((context) => [context] as const),
    ...["directory", "file"].flatMap((kind) =>
      ["", " ", "a\0b", 5, null, undefined].map((value) => [{ [kind]: value }] as const)
    ),
    ...["a", 5, null, undefined, {}].map((value) => [{ entries: value }] as const),
    ...[null, undefined].flatMap((value) =>
      [[{ remote: value }], [{ dockerfile: value }]] as const
    ),
    ...["", " ", "a\0b", "a\nb"].map((dockerfile) => [entries, { dockerfile }] as const),
  ];
  for (const [context, options] of wrong) {
    assert.throws(
      () => engine.images.build(context as BuildContext, options),
      TypeError,
      JSON.stringify([context, options]),
    );
  }
  assert.deepEqual(sent, []);
  const empty = { async *[Symbol.asyncIterator](): AsyncGenerator<never> {} };
  const right: readonly (readonly [BuildContext, PackOptions?])[] = [
    ["."],
    [() => new ReadableStream()],
    [new Uint8Array()],
    [new Blob([])],
    [new ReadableStream()],
    [{ file: "x.tar" }],
    [entries],
    [{ entries: empty }],
    [{ dockerfile: "" }],
    [entries, { dockerfile: "a b/D" }],
    [entries, { dockerfile: { content: "" } }],
  ];
  for (const [context, options = {}] of right) checkContext(context, options);
});

test("every tag that docker-py takes is taken, and those that it refuses though they are good", async () => {
  for (
    const tags of [
      "test.com:tag",
      "test.com:5000",
      "test.com/repo:tag",
      "test:5000/repo",
      "test:5000/repo:tag",
      "lowercase:Uppercase",
      "sub-dom1.foo.com/bar/baz/quux:some-long-tag",
      "b.gcr.io/test.example.com/my-app:test.example.com",
      "xn--n3h.com/myimage:xn--n3h.com",
      "foo/foo_bar.com:8080",
      "192.168.1.1",
      "192.168.1.1:5000/repo:tag",
      "[2001:db8::1]:5000/repo",
      "Host.Test/repo",
    ]
  ) {
    assert.deepEqual(await queryOf({ tags }), [["t", tags]], tags);
  }
});

test("proxies of the configuration become arguments, the caller's go before them and stay as they are", async () => {
  const proxyArguments = { HTTP_PROXY: "http://p:1", http_proxy: "http://p:1" };
  const query = async (options: BuildOptions) => {
    const { engine, sent } = building(built, { proxyArguments });
    await engine.images.build(DOCKERFILE, options);
    const value = new URLSearchParams(sent[0]?.query.map(([a, b]) => [a, b])).get("buildargs");
    return value === null ? undefined : JSON.parse(value);
  };
  const buildArgs = { http_proxy: "mine", A: "b" };
  assert.deepEqual(await query({}), proxyArguments);
  assert.deepEqual(await query({ buildArgs }), { ...proxyArguments, ...buildArgs });
  assert.deepEqual(await query({ buildArgs, useConfigProxy: false }), buildArgs);
  assert.equal(await query({ useConfigProxy: false }), undefined);
  assert.deepEqual(buildArgs, { http_proxy: "mine", A: "b" });
});
