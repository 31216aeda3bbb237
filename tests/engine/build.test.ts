import assert from "node:assert/strict";
import { test } from "node:test";
import {
  ApiVersionError,
  BuildError,
  type BuildOptions,
  BuildSessionError,
  Engine,
  EngineError,
} from "../../lib/engine/mod.ts";
import { streamFrom } from "../../lib/bytes/stream_from.ts";
import { readTar } from "../../lib/tar/reader.ts";
import { memoryFileSystem } from "../../lib/store/memory_file_system.ts";
import {
  chunks,
  eventsOf,
  failure,
  inspected,
  json,
  messages,
  recorded,
  scripted,
  type ScriptedOptions,
  type Sent,
  utf8,
} from "./scripted.ts";

const ID = `sha256:${"5f".repeat(32)}`;
const DOCKERFILE = { dockerfile: "FROM scratch\nLABEL a=b\n" };

const built = (): Response =>
  messages(
    { stream: "Step 1/2 : FROM scratch" },
    { stream: "\n" },
    { aux: { ID } },
    { stream: `Successfully built ${ID.slice(7, 19)}\n` },
    { stream: "Successfully tagged app:1\n" },
  );

/** An engine whose builds give `make()`, and that knows every image by the ID it is asked for. */
function building(make: () => Response | Promise<Response> = built, options?: ScriptedOptions) {
  return scripted(({ method, path }) => {
    if (method === "POST") return make();
    const [, id] = /^\/images\/(.*)\/json$/.exec(path) ?? [];
    return id === undefined ? undefined : json(inspected({ Id: id }));
  }, options);
}

async function queryOf(options: BuildOptions, speaks = "1.41"): Promise<[string, string][]> {
  const { engine, sent } = building(built, { speaks });
  await engine.images.build(DOCKERFILE, options);
  return (sent[0]?.query ?? []).map(([key, value]) => [key, value]);
}

/** The files of the context that was sent, by their names. */
async function filesOf({ body }: Sent): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for await (const entry of readTar(streamFrom([utf8(body)]))) {
    files[entry.path] = await entry.text();
  }
  return files;
}

test("build() posts the context as a tar, and its result is the image", async () => {
  const { engine, sent } = building();
  const image = await engine.images.build(DOCKERFILE, { tags: "app:1" });
  assert.equal(image.id, ID);
  const [post, get] = sent;
  assert.equal(`${post?.method} ${post?.path}`, "POST /build");
  assert.equal(post?.headers.get("content-type"), "application/x-tar");
  assert.equal(post?.headers.get("x-registry-config"), null);
  assert.deepEqual(post?.query, [["t", "app:1"]]);
  assert.deepEqual(await filesOf(post as Sent), { Dockerfile: DOCKERFILE.dockerfile });
  assert.equal(get?.path, `/images/${ID}/json`);
});

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

test("a URL or a repository is a parameter, and nothing is sent along", async () => {
  for (const remote of ["https://example.com/x.git#main:dir", "git@example.com:x.git"]) {
    const { engine, sent } = building();
    await engine.images.build(remote, { dockerfile: "D", tags: "app" });
    assert.deepEqual(sent[0]?.query, [["t", "app"], ["remote", remote], ["dockerfile", "D"]]);
    assert.equal(sent[0]?.body, "");
    assert.equal(sent[0]?.headers.get("content-type"), null);
  }
});

test("a directory is packed, a Dockerfile from outside is named in the query and not written into it", async () => {
  const files = memoryFileSystem();
  for (const [path, text] of [["ctx/a", "a"], ["out/D", "FROM scratch\nLABEL long=1\n"]] as const) {
    await files.makeDirectory(path.slice(0, 3), { recursive: true });
    const file = await files.create(path);
    await file.write(utf8(text));
    await file.close();
  }
  const { engine, sent } = building(built, { files });
  await engine.images.build("ctx", { dockerfile: "../out/D" });
  const [key, name = ""] = sent[0]?.query[0] ?? [];
  assert.equal(key, "dockerfile");
  assert.equal(sent[0]?.query.length, 1);
  const packed = await filesOf(sent[0] as Sent);
  assert.equal(packed[name], "FROM scratch\nLABEL long=1\n");
  assert.equal(packed[".dockerignore"], `.dockerignore\n${name}\n`);
});

/** The header that a build sends, decoded. */
function configOf(sent: Sent | undefined): Record<string, unknown> | undefined {
  const header = sent?.headers.get("x-registry-config");
  if (header === null || header === undefined) return undefined;
  assert.equal(header.length % 4, 0, "it is padded");
  assert.match(header, /^[A-Za-z0-9_=-]+$/);
  const text = atob(header.replaceAll("-", "+").replaceAll("_", "/"));
  return JSON.parse(new TextDecoder().decode(Uint8Array.from(text, (c) => c.charCodeAt(0))));
}

test("credentials go along for the registries that the Dockerfile names, and no others", async () => {
  const asked: string[] = [];
  const credentials = ({ registry }: { readonly registry: string }) => {
    asked.push(registry);
    if (registry === "broken.test") return Promise.reject(new Error("the helper is broken"));
    if (registry === "none.test") return Promise.resolve({ kind: "anonymous" as const });
    return Promise.resolve({
      kind: "basic" as const,
      username: "u",
      password: "GR?XGR?XGR?XGR?X",
    });
  };
  const dockerfile = [
    "# escape=\\",
    "ARG BASE=given.test/x",
    "ARG TAG=1",
    "ARG UNSET",
    "FROM --platform=$BUILDPLATFORM ${BASE}:${TAG} AS first",
    "FROM first AS second",
    "FROM \\",
    "  # a comment in the middle",
    "  broken.test/y",
    "FROM ${UNSET:-none.test}/z AS third",
    "COPY --from=first a b",
    "COPY --from=0 a b",
    "COPY --from=copied.test:5000/w a b",
    "FROM scratch",
    "FROM busybox",
    "FROM $NOWHERE/$",
    "RUN echo FROM elsewhere.test/x",
  ].join("\n");
  const { engine, sent } = building(built, { credentials });
  const build = engine.images.build({ dockerfile }, { buildArgs: { BASE: "arg.test/x" } });
  const events = await eventsOf(build);
  assert.deepEqual(asked.sort(), [
    "arg.test",
    "broken.test",
    "copied.test:5000",
    "docker.io",
    "none.test",
  ]);
  const basic = (serveraddress: string) => ({
    username: "u",
    password: "GR?XGR?XGR?XGR?X",
    serveraddress,
  });
  assert.deepEqual(configOf(sent[0]), {
    "arg.test": basic("arg.test"),
    "copied.test:5000": basic("copied.test:5000"),
    "https://index.docker.io/v1/": basic("https://index.docker.io/v1/"),
  });
  const told = events.find(({ type }) => type === "status");
  assert.match(JSON.stringify(told), /no credentials for broken\.test: the helper is broken/);
});

test("credentials of the call go before those of the machine; for a URL registries are named", async () => {
  const asked: string[] = [];
  const credentials = ({ registry }: { readonly registry: string }) => {
    asked.push(registry);
    return Promise.resolve({ kind: "identity-token" as const, token: "t" });
  };
  const { engine, sent } = building(built, { credentials });
  await engine.images.build("https://example.com/x.git");
  assert.equal(configOf(sent[0]), undefined);
  await engine.images.build("https://example.com/x.git", {
    registries: ["docker.io", "a.test"],
    credentials: {
      "https://a.test/v1/": { kind: "registry-token", token: "r" },
      "https://index.docker.io/v1/": { kind: "basic", username: "é", password: "ü" },
    },
  });
  assert.deepEqual(asked, []);
  assert.deepEqual(configOf(sent[2]), {
    "https://index.docker.io/v1/": {
      username: "é",
      password: "ü",
      serveraddress: "https://index.docker.io/v1/",
    },
    "a.test": { registrytoken: "r", serveraddress: "a.test" },
  });
  await engine.images.build({ dockerfile: "FROM busybox" }, { registries: [] });
  assert.deepEqual(asked, []);
  await engine.images.build({ dockerfile: "FROM busybox" });
  assert.deepEqual(asked, ["docker.io"]);
});

test("a recorded build gives its output piece by piece, and the ID", async () => {
  const { engine } = building(() => recorded("build-copy"));
  const build = engine.images.build(DOCKERFILE);
  const events = await eventsOf(build);
  const log = events.map((event) => event.type === "log" ? event.text : "").join("");
  assert.match(log, /^Step 1\/4 : FROM scratch\n ---> \nStep 2\/4 : LABEL a=b\n/);
  assert.match(log, /Successfully tagged example\.com\/test\/built:2\n$/);
  const id = "sha256:e300f8b7e8149bae8b90094076f7899400c6b17789c753982e4679e225e63203";
  assert.deepEqual(events.find(({ type }) => type === "image"), { type: "image", id });
  assert.equal((await build).id, id);
});

test("a build that fails after a good begin is a BuildError with the log", async () => {
  const { engine, sent } = building(() => recorded("build-fails-mid-stream"));
  const error = await failure(engine.images.build(DOCKERFILE, { tags: "app:1" }));
  assert.ok(error instanceof BuildError);
  assert.match(
    error.message,
    /^Cannot build "app:1": COPY failed: file not found in build context or excluded/,
  );
  assert.equal(error.log, "Step 1/2 : FROM scratch\n ---> \nStep 2/2 : COPY missing /x\n");
  assert.equal(error.status, 200);
  assert.equal(error.code, "BUILD_FAILED");
  // No second request hides the cause.
  assert.equal(sent.length, 1);
});

test("every recorded failure of a build is a BuildError in the engine's words", async () => {
  for (const name of ["build-scratch", "build-outside-dockerfile", "build-gz"]) {
    const { engine } = building(() => recorded(name));
    const error = await failure(engine.images.build(DOCKERFILE));
    assert.ok(error instanceof BuildError, name);
    assert.match(error.message, /No image was generated\. Is your Dockerfile empty\?/);
  }
  const { engine } = building(() => recorded("build-missing-dockerfile"));
  const error = await failure(engine.images.build({ entries: [] }, { dockerfile: "Nope" }));
  assert.ok(error instanceof BuildError);
  assert.equal(error.message, "Cannot build an image: Cannot locate specified Dockerfile: Nope");
  assert.equal(error.status, 500);
});

test("the exit code of a step is in the error", async () => {
  const message = "The command '/bin/sh -c exit 3' returned a non-zero code: 3";
  const { engine } = building(() =>
    messages({ stream: "Step 2/2 : RUN exit 3" }, {
      errorDetail: { code: 3, message },
      error: message,
    })
  );
  const error = await failure(engine.images.build(DOCKERFILE));
  assert.ok(error instanceof BuildError);
  assert.equal(error.exitCode, 3);
  assert.equal(error.said, message);
});

test("the ID comes from aux; a step that writes the same words does not decide", async () => {
  const other = "sha256:" + "ab".repeat(32);
  const rows: readonly [readonly unknown[], string][] = [
    [[{ stream: "Successfully built aaaaaaaaaaaa\n" }, { aux: { ID } }], ID],
    [[{ aux: { ID } }, { stream: "Successfully built aaaaaaaaaaaa\n" }], ID],
    [
      [{ stream: "Successfully built abcd1234\n" }, {
        stream: "Successfully built 33c838732b70\n",
      }],
      "33c838732b70",
    ],
    [[{ stream: `${other}\n` }], other],
    [[{ stream: `${other.slice(7)}\n` }], other.slice(7)],
    [[{ id: "moby.image.id", aux: { ID: other } }], other],
    [[{ aux: { ID: other } }, { aux: { ID } }], ID],
  ];
  for (const [said, wanted] of rows) {
    const { engine } = building(() => messages(...said));
    assert.equal((await engine.images.build(DOCKERFILE)).id, wanted);
  }
});

test("a build that tells no ID is no success", async () => {
  for (const said of [[], [{ stream: "x Successfully built abcd\n" }], [{ stream: "done\n" }]]) {
    const { engine } = building(() => messages(...said));
    const error = await failure(engine.images.build(DOCKERFILE));
    assert.ok(error instanceof BuildError);
    assert.match(error.message, /does not tell the ID/);
    assert.equal(error.log, said.map(({ stream }) => stream).join(""));
  }
});

test("progress of a download by the engine is told, empty messages are passed over", async () => {
  const { engine } = building(() =>
    messages(
      {
        status: "Downloading context",
        progressDetail: { current: 10, total: 20 },
        progress: "[=>]",
      },
      {},
      { status: "Downloading", progressDetail: { current: 1, total: 2 }, id: "8c1d" },
      { stream: "[Warning] One or more build-args [X] were not consumed\n" },
      { aux: { ID } },
    )
  );
  const events = await eventsOf(engine.images.build("https://example.com/x.tar"));
  assert.deepEqual(events, [
    { type: "status", text: "Downloading context" },
    { type: "layer", id: "8c1d", status: "Downloading", current: 1, total: 2 },
    { type: "log", text: "[Warning] One or more build-args [X] were not consumed\n" },
    { type: "image", id: ID },
  ]);
});

test("a stream that breaks off is no success, whatever came before", async () => {
  const { engine } = building(() =>
    new Response(chunks(`{"aux":{"ID":"${ID}"}}\r\n{"stream":"Succ`))
  );
  const error = await failure(engine.images.build(DOCKERFILE));
  assert.ok(error instanceof BuildError);
  assert.match(error.message, /not whole/);
});

test("the log of an error keeps its end, however long it is", async () => {
  const line = `${"x".repeat(1023)}\n`;
  const { engine } = building(() =>
    messages(
      ...Array.from({ length: 3000 }, () => ({ stream: line })),
      { stream: "the end\n" },
      { error: "no" },
    )
  );
  const error = await failure(engine.images.build(DOCKERFILE));
  assert.ok(error instanceof BuildError);
  assert.equal(error.log.length, 1024 * 1024);
  assert.ok(error.log.endsWith("the end\n"));
});

test("a context that breaks off is the error, not what the transport makes of it", async () => {
  const broken = new Error("the disk is gone");
  const { engine } = scripted(() => {
    throw new TypeError("fetch failed");
  });
  const entries = [{
    path: "a",
    size: 5,
    body: () =>
      streamFrom({
        [Symbol.iterator]: () => ({
          next: () => {
            throw broken;
          },
        }),
      }),
  }];
  assert.equal(await failure(engine.images.build({ entries })), broken as unknown);
});

test("an engine that refuses while the context is still being sent is heard, and the context let go", async () => {
  let isClosed = false;
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull: (controller) => controller.enqueue(new Uint8Array(1024)),
    cancel: () => void (isClosed = true),
  }, { highWaterMark: 0 });
  const engine = new Engine({
    transport: (request) => {
      const isPing = new URL(request.url).pathname === "/_ping";
      const headers = { "api-version": "1.41", "content-type": "application/json" };
      if (isPing) return Promise.resolve(new Response(null, { headers }));
      const text = JSON.stringify({ message: "dockerfile parse error line 2: unknown" });
      return Promise.resolve(new Response(text, { status: 400, headers }));
    },
  });
  const error = await failure(engine.images.build(body));
  assert.ok(error instanceof BuildError);
  assert.equal(error.status, 400);
  assert.match(error.message, /dockerfile parse error line 2/);
  assert.equal(isClosed, true);
});

test("abort() ends a build with its reason, and the engine hears of it", async () => {
  const reason = new Error("enough");
  let heard: unknown;
  const engine = new Engine({
    transport: (request) => {
      const headers = { "api-version": "1.41" };
      if (new URL(request.url).pathname === "/_ping") {
        return Promise.resolve(new Response(null, { headers }));
      }
      request.signal.addEventListener("abort", () => heard = request.signal.reason);
      const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
        start: (controller) => controller.enqueue(utf8('{"stream":"Step 1"}\r\n')),
      });
      return Promise.resolve(new Response(body, { headers }));
    },
  });
  const build = engine.images.build(DOCKERFILE);
  for await (const event of build) {
    assert.deepEqual(event, { type: "log", text: "Step 1" });
    build.abort(reason);
    break;
  }
  assert.equal(await failure(build), reason as unknown);
  assert.equal(heard, reason);
});

test("errors of the engine that are no errors of the build stay what they are", async () => {
  const { engine } = scripted(() => {
    throw new TypeError("connect ECONNREFUSED");
  });
  const error = await failure(engine.images.build(DOCKERFILE));
  assert.ok(error instanceof EngineError);
  assert.equal(error.reason, "unreachable");
});

test("an engine that says that it needs a session is a BuildSessionError with what to do", async () => {
  const { engine } = building(() =>
    messages({ errorDetail: { message: "failed to authorize: no active sessions" } })
  );
  const error = await failure(engine.images.build(DOCKERFILE, { version: 2 }));
  assert.ok(error instanceof BuildSessionError);
  assert.ok(error instanceof BuildError);
  assert.equal(error.code, "BUILD_NEEDS_SESSION");
  assert.match(error.message, /no active sessions; BuildKit needs a session/);
});
