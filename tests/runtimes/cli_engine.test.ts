/** Every verb of `lading engine`, at a fake engine behind a port. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import assert from "node:assert/strict";
import { readAll } from "../../lib/bytes/mod.ts";
import { formatSize } from "../../lib/cli/size.ts";
import { serve } from "../../lib/runtime/serve.ts";
import { writeTar } from "../../lib/tar/mod.ts";
import { fakeEngine, memoryRegistry, randomImage, randomIndex } from "../../lib/testing/mod.ts";
import { lading, type Run } from "./lading_main.ts";
import { LADING, onTerminal, quoted, start, type Started, until } from "./lading_process.ts";
import { Screen } from "./terminal.ts";

const ID_REGEXP = /^sha256:[0-9a-f]{64}$/;

interface Bench {
  /** Runs a verb; it has to succeed. Gives what it answers. */
  ask(verb: string, ...args: string[]): Promise<string>;
  /** Runs a verb. */
  run(verb: string, ...args: string[]): Promise<Run>;
  /** The repository `acme/app` of a registry that the engine reaches. */
  readonly repository: string;
  /** What the engine was asked: `POST /images/create?…`, without the version. */
  asked(): string[];
  readonly folder: string;
}

async function withEngine(work: (bench: Bench) => Promise<void>): Promise<void> {
  const registry = memoryRegistry({ host: "127.0.0.1:5000" });
  for (const tag of ["1", "2"]) {
    await (await randomImage(`cli ${tag}`, { format: "docker" })).pushTo(
      registry.store,
      `acme/app:${tag}`,
    );
  }
  const index = await randomIndex("cli", { format: "docker" });
  await index.pushTo(registry.store, "acme/multi:1");
  const engine = fakeEngine({
    network: registry.transport,
    searchable: [{ name: "acme/app", star_count: 7, description: "an\u001bapp" }],
  });
  const server = await serve(engine.transport);
  const folder = mkdtempSync(join(tmpdir(), "lading-cli-engine-"));
  const host = `http://127.0.0.1:${server.port}`;
  let seen = 0;
  const run = (verb: string, ...args: string[]) => lading("engine", verb, "--host", host, ...args);
  try {
    await work({
      run,
      async ask(verb, ...args) {
        const { code, out, errors } = await run(verb, ...args);
        assert.equal(code, 0, `${verb} ${args.join(" ")}: ${errors}`);
        return out.trimEnd();
      },
      repository: `${registry.host}/acme/app`,
      asked() {
        const paths = engine.requests.slice(seen).map(({ method, path }) =>
          `${method} ${decodeURIComponent(path).replace(/^\/v1\.41/, "")}`
        );
        seen = engine.requests.length;
        return paths.filter((path) => !path.endsWith("/_ping"));
      },
      folder,
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
    await server.close();
  }
}

test("lading engine pull, push, distribution and search go to registries by way of the engine", () =>
  withEngine(async ({ ask, run, repository, asked }) => {
    const id = await ask("pull", `${repository}:1`);
    assert.match(id, ID_REGEXP);
    assert.equal(JSON.parse(await ask("inspect", `${repository}:1`)).Id, id);
    const both = (await ask("pull", "--all-tags", repository)).split("\n");
    assert.equal(both.length, 2);
    assert.ok(both.includes(id));
    assert.equal(
      (await run("pull", "--all-tags", "--platform", "linux/arm64", repository)).code,
      2,
    );
    const told = await run("pull", "--json", `${repository}:1`);
    assert.deepEqual([JSON.parse(told.out).id, JSON.parse(told.out).tags], [id, [
      `${repository}:1`,
    ]]);
    const events = told.errors.trim().split("\n");
    for (const event of events) assert.equal(typeof JSON.parse(event).type, "string", event);
    const all = JSON.parse(await ask("pull", "--json", "--all-tags", repository));
    assert.deepEqual(all.map((image: { readonly id: string }) => image.id), both);
    const other = repository.replace("app", "multi");
    const arm = await ask("pull", "--platform", "linux/arm64", `${other}:1`);
    assert.equal(JSON.parse(await ask("inspect", arm)).Architecture, "arm64");

    await ask("tag", `${repository}:1`, `${repository}:3`);
    const pushed = await ask("push", `${repository}:3`);
    assert.match(pushed, new RegExp(`^${repository}@sha256:[0-9a-f]{64}$`));
    assert.match(await ask("push", "--all-tags", repository), /@sha256:/);
    const [digest, ...platforms] = (await ask("distribution", `${other}:1`)).split("\n");
    assert.match(digest ?? "", ID_REGEXP);
    assert.ok(platforms.includes("linux/amd64"), platforms.join());
    const { descriptor } = JSON.parse(await ask("distribution", "--json", `${repository}:3`));
    assert.equal(`${repository}@${descriptor.digest}`, pushed);
    assert.equal(JSON.parse(await ask("push", "--json", `${repository}:3`)).reference, pushed);
    const name = `${repository}:4`;
    assert.deepEqual(JSON.parse(await ask("tag", "--json", `${repository}:1`, name)), { name });

    asked();
    assert.equal(await ask("search", "app"), "     7  acme/app  an\\x1bapp");
    const [found] = JSON.parse(
      await ask("search", "--json", "--limit", "5", "--filter", "stars=3", "app"),
    );
    assert.equal(found.name, "acme/app");
    assert.deepEqual(asked(), [
      "GET /images/search?term=app",
      'GET /images/search?term=app&limit=5&filters={"stars":["3"]}',
    ]);
  }));

test("lading engine load, save, import, history, images, rm, prune and info", () =>
  withEngine(async ({ ask, run, asked, folder }) => {
    const tree = join(folder, "tree.tar");
    const body = new TextEncoder().encode("hello\n");
    writeFileSync(tree, await readAll(writeTar([{ path: "a", body }]), { maxBytes: 1e6 }));
    const changes = ["--change", "LABEL a=b", "--change", "CMD x", "--message", "mine"];
    const id = await ask("import", tree, "tree:1", ...changes);
    assert.match(id, ID_REGEXP);
    assert.match(await ask("history", "tree:1"), /^ *6 B {2}\d{4}-\d\d-\d\d {2}(?:.+ {2})?mine$/);
    assert.equal(JSON.parse(await ask("history", "--json", "tree:1"))[0].comment, "mine");
    const saved = await run("save", "tree:1");
    const archive = join(folder, "image.tar");
    assert.equal(await ask("save", "tree:1", "-o", archive), "");
    assert.deepEqual(new Uint8Array(readFileSync(archive)), saved.bytes);
    assert.match(await ask("images"), /^sha256:[0-9a-f]{12} .* tree:1$/);
    assert.equal(JSON.parse(await ask("images", "--json", "--filter", "label=a=b"))[0].id, id);
    assert.equal(await ask("images", "--all", "nosuch"), "");
    const gone = JSON.parse(await ask("rm", "--json", "--force", "tree:1"));
    assert.deepEqual(gone.untagged, ["tree:1"]);
    assert.equal(await ask("load", archive), "tree:1");
    asked();
    assert.match(
      await ask("rm", "--no-prune", "tree:1"),
      /^untagged {2}tree:1\ndeleted {3}sha256:/,
    );
    assert.deepEqual(asked(), ["DELETE /images/tree:1?noprune=1"]);
    const [loaded] = JSON.parse(await ask("load", "--json", archive));
    assert.deepEqual([loaded.id, loaded.tags], [id, ["tree:1"]]);
    const again = JSON.parse(await ask("import", "--json", tree, "tree:1", ...changes));
    assert.deepEqual(again.tags, ["tree:1"]);
    await ask("prune");
    assert.match(await ask("prune", "--all", "--filter", "label=a=b"), /^sha256:/);
    await ask("prune", "--builds");
    assert.deepEqual(asked().filter((path) => path.includes("prune")), [
      "POST /images/prune",
      'POST /images/prune?filters={"label":["a=b"],"dangling":["false"]}',
      "POST /build/prune",
    ]);
    assert.match(await ask("info"), /^engine {4}20\.10\.\S+\nAPI {7}1\.41, spoken as 1\.41\n/);
    assert.equal(JSON.parse(await ask("info", "--json")).Images, 0);
  }));

test("lading engine rm goes on after a name that is not there, and ends with its exit code", () =>
  withEngine(async ({ ask, run, repository, asked }) => {
    for (const tag of ["1", "2"]) await ask("pull", `${repository}:${tag}`);
    asked();
    const { code, out, errors } = await run("rm", "none:1", `${repository}:1`, "none:2");
    assert.equal(code, 3);
    assert.match(out, new RegExp(`^untagged {2}${repository}:1\n`));
    assert.match(errors, /^lading: .*"none:2".*\nlading: .*"none:1".*\n$/);
    const removed = await run("rm", "--json", `${repository}:2`, "none:1");
    assert.equal(removed.code, 3);
    assert.equal(JSON.parse(removed.out).untagged[0], `${repository}:2`);
    assert.equal(asked().filter((path) => path.startsWith("DELETE")).length, 5);
  }));

test("lading engine pull, import and build take the platform of DOCKER_DEFAULT_PLATFORM", () =>
  withEngine(async ({ ask, repository, asked, folder }) => {
    const context = join(folder, "context");
    mkdirSync(context);
    writeFileSync(join(context, "Dockerfile"), "FROM scratch\nLABEL a=b\n");
    const tree = join(folder, "tree.tar");
    writeFileSync(tree, await readAll(writeTar([{ path: "a" }]), { maxBytes: 1e6 }));
    const platforms = (): string[] =>
      asked().flatMap((path) => /[?&]platform=([^&]*)/.exec(path)?.[1] ?? []);
    process.env["DOCKER_DEFAULT_PLATFORM"] = "linux/arm64";
    try {
      asked();
      const image = repository.replace("app", "multi:1");
      await ask("pull", image);
      await ask("pull", image, "--platform", "linux/amd64");
      await ask("import", tree);
      await ask("build", context);
      await ask("pull", "--all-tags", repository);
      assert.deepEqual(platforms(), ["linux/arm64", "linux/amd64", "linux/arm64", "linux/arm64"]);
      process.env["DOCKER_DEFAULT_PLATFORM"] = "";
      await ask("pull", image);
      assert.deepEqual(platforms(), []);
    } finally {
      delete process.env["DOCKER_DEFAULT_PLATFORM"];
    }
  }));

test("lading engine build says all that the docker command can say of a build", () =>
  withEngine(async ({ ask, run, asked, folder }) => {
    const site = join(folder, "site");
    mkdirSync(join(site, "docker"), { recursive: true });
    writeFileSync(join(site, "index.html"), "<h1>hello</h1>\n");
    writeFileSync(join(site, "docker/Dockerfile"), "FROM scratch AS one\nCOPY index.html /\n");
    asked();
    const id = await ask(
      ...["build", site, "-t", "site:1", "-t", "site:2", "--label", "a=b"] as const,
      ...["--build-arg", "A=1", "--build-arg", "LADING_NONE", "--target", "one", "--no-cache"],
      ...["--file", join(site, "docker/Dockerfile"), "--pull", "--force-rm", "--compress"],
      ...["--network", "none", "--add-host", "db:10.0.0.1", "--memory", "64m", "--shm-size", "1g"],
      ...["--ulimit", "nofile=1:2", "--ulimit", "core=-1", "--cache-from", "site:0"],
    );
    assert.match(id, ID_REGEXP);
    const [request = ""] = asked();
    const query = new URLSearchParams(request.slice(request.indexOf("?")));
    assert.deepEqual(Object.fromEntries(query), {
      t: "site:2",
      dockerfile: "docker/Dockerfile",
      nocache: "1",
      forcerm: "1",
      pull: "1",
      squash: "0",
      buildargs: '{"A":"1","LADING_NONE":null}',
      labels: '{"a":"b"}',
      cachefrom: '["site:0"]',
      extrahosts: "db:10.0.0.1",
      ulimits: '[{"Name":"nofile","Hard":2,"Soft":1},{"Name":"core","Hard":-1,"Soft":-1}]',
      target: "one",
      networkmode: "none",
      memory: String(64 * 2 ** 20),
      shmsize: String(2 ** 30),
    });
    assert.deepEqual(JSON.parse(await ask("inspect", id)).Config.Labels, { a: "b" });
    const bad = [["--memory", "much"], ["--shm-size", "1t"], ["--ulimit", "x"], ["--label", "x"]];
    for (const args of [...bad, ["--build-arg", "=1"]]) {
      assert.equal((await run("build", site, ...args)).code, 2, args.join(" "));
    }
    assert.equal((await run("build", join(folder, "nosuch"))).code, 3);
    for (const context of ["-", "https://github.com/acme/app.git"]) {
      const { code, errors } = await run("build", context, "--file", "-");
      assert.deepEqual([code, /--file - is for a directory/.test(errors)], [2, true], errors);
    }
  }));

test("lading engine --debug shows what the engine is asked, and no argument of a build", () =>
  withEngine(async ({ run, folder }) => {
    const site = join(folder, "site");
    mkdirSync(site);
    writeFileSync(join(site, "Dockerfile"), "FROM scratch\nCOPY Dockerfile /\n");
    const args = ["--build-arg", "TOKEN=CANARY", "-t", "site:1"];
    const { code, errors } = await run("build", site, ...args, "--debug");
    assert.equal(code, 0, errors);
    assert.match(errors, /^#\d+ HEAD http:.*\/_ping$/m);
    assert.match(errors, /^#\d+ POST http:.*\/build\?.*t=site:1.*buildargs=\[redacted\]/m);
    assert.match(errors, /^#\d+ 200 after \d+ ms$/m);
    assert.doesNotMatch(errors, /CANARY/);
  }));

test("what an engine is too old for, or does not have, ends in its exit code and one line", () =>
  withEngine(async ({ run, asked }) => {
    asked();
    const rows: readonly (readonly [number, RegExp, ...string[]])[] = [
      [3, /No such image/i, "inspect", "nosuch:1"],
      [1, /needs version 1\.49 of the Engine API/, "inspect", "a", "--platform", "linux/arm64"],
      [1, /needs version 1\.48/, "inspect", "a", "--manifests"],
      [1, /needs version 1\.48/, "history", "a", "--platform", "linux/arm64"],
      [1, /needs version 1\.50/, "rm", "a", "--platform", "linux/arm64"],
      [1, /needs version 1\.48/, "save", "a", "--platform", "linux/arm64"],
      [1, /needs version 1\.46/, "push", "a", "--platform", "linux/arm64"],
    ];
    for (const [code, words, verb = "", ...args] of rows) {
      const ended = await run(verb, ...args);
      assert.equal(ended.code, code, `${verb} ${args.join(" ")}: ${ended.errors}`);
      assert.match(ended.errors, words);
      assert.match(ended.errors, /^lading: [^\n]+\n$/);
      assert.equal(ended.out, "");
    }
  }));

const COLUMNS = 80;

const LAYER_STEPS = [0, 250, 500, 750, 1000];

/** An engine whose pull waits after each step of its layer. */
function slowEngine(
  afterStep: (current: number) => Promise<void>,
): (request: Request) => Response {
  async function* messages(): AsyncGenerator<object> {
    const id = "5f70bf18a086";
    yield { status: "Pulling from app", id: "1" };
    for (const current of LAYER_STEPS) {
      yield { status: "Downloading", id, progressDetail: { current, total: 1000 } };
      await afterStep(current);
    }
    yield { status: "Pull complete", id, progressDetail: {} };
    yield { status: "Status: Downloaded newer image for r.test/app:1" };
  }
  return ({ url, method }) => {
    const headers = { "api-version": "1.41" };
    if (url.endsWith("/_ping")) return new Response(null, { headers });
    if (method === "GET") return Response.json({ Id: `sha256:${"5f".repeat(32)}` }, { headers });
    const pulled = messages();
    const body = new ReadableStream({
      async pull(controller) {
        const { value, done } = await pulled.next();
        if (done) return controller.close();
        controller.enqueue(new TextEncoder().encode(`${JSON.stringify(value)}\r\n`));
      },
    }, { highWaterMark: 0 });
    return new Response(body, { headers });
  };
}

test("lading engine pull draws a bar for each layer on a terminal, and lines elsewhere", async () => {
  let shown: Started | undefined;
  const bar = (current: number): RegExp => {
    const size = formatSize(current).replace(".", "\\.");
    return new RegExp(`5f70bf18a086 {2}Downloading {2}\\[=*>? *\\] {2}${size} of 1\\.0 kB`);
  };
  const server = await serve(slowEngine(async (current) => {
    const terminal = shown;
    if (!terminal) return;
    await until(() => bar(current).test(terminal.written()), `a bar of ${current}`);
  }));
  const args = ["engine", "pull", "--host", `http://127.0.0.1:${server.port}`, "r.test/app:1"];
  try {
    const plain = await start([...LADING, ...args]).ended;
    assert.equal(plain.stdout, `sha256:${"5f".repeat(32)}\n`);
    assert.deepEqual(plain.stderr.trimEnd().split("\n"), [
      "1  Pulling from app",
      "5f70bf18a086  Downloading",
      "5f70bf18a086  Pull complete",
      "Status: Downloaded newer image for r.test/app:1",
    ]);
    shown = start(onTerminal(args.map(quoted).join(" "), COLUMNS), { env: { NO_COLOR: "1" } });
    const { code, stdout } = await shown.ended;
    assert.equal(code, 0, stdout);
    const screen = new Screen(COLUMNS);
    screen.writeFrames(stdout);
    for (const current of LAYER_STEPS) {
      assert.ok(screen.states.some((state) => bar(current).test(state)), `${current}: ${stdout}`);
    }
    assert.match(screen.text, /sha256:(?:5f){32}/);
    assert.doesNotMatch(screen.text, /\[=/);
  } finally {
    await server.close();
  }
});

test("lading engine build shows the last words of a build that ends in the middle of a line", async () => {
  const body = '{"stream":"Step 1/1 : RUN x\\nlast wo"}\n{"stream":"rds"}\n' +
    '{"errorDetail":{"code":3,"message":"it returned 3"},"error":"it returned 3"}\n';
  const server = await serve(async (request) => {
    await request.arrayBuffer();
    const isBuild = new URL(request.url).pathname.endsWith("/build");
    return new Response(isBuild ? body : null, { headers: { "api-version": "1.38" } });
  });
  const folder = mkdtempSync(join(tmpdir(), "lading-cli-build-"));
  try {
    writeFileSync(join(folder, "Dockerfile"), "FROM scratch\n");
    const host = `http://127.0.0.1:${server.port}`;
    const { code, errors } = await lading("engine", "build", folder, "--host", host);
    assert.equal(code, 1, errors);
    assert.match(errors, /^Step 1\/1 : RUN x\nlast words\nlading: .*it returned 3/);
  } finally {
    rmSync(folder, { recursive: true, force: true });
    await server.close();
  }
});
