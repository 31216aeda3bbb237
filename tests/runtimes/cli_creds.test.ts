/** Credentials on the command line: whom they are for, and who never sees them. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import assert from "node:assert/strict";
import { memoryStore, registryHandler } from "../../mod.ts";
import { serve } from "../../lib/runtime/serve.ts";
import { randomImage } from "../../lib/testing/mod.ts";
import { lading, type Run } from "./lading_main.ts";
import { LADING, lading as run } from "./lading_process.ts";

interface Bench {
  /** A registry that lets `one` in, and one that lets `two` in. */
  readonly hosts: readonly [string, string];
  readonly folder: string;
  readonly digest: string;
  /** What the registries were sent as authorization, by their hosts. */
  readonly sent: ReadonlyMap<string, Set<string>>;
}

const basic = (creds: string): string => `Basic ${btoa(creds)}`;

/** Two registries, each with a user of its own, and an image in the first one. */
async function withTwo(use: (bench: Bench) => Promise<void>): Promise<void> {
  const sent = new Map<string, Set<string>>();
  const image = await randomImage("creds");
  const start = async (creds: string) => {
    const store = memoryStore();
    await image.pushTo(store, "acme/app:1");
    const handler = registryHandler(store);
    return await serve((request) => {
      const authorization = request.headers.get("authorization");
      const { host } = new URL(request.url);
      if (authorization !== null) {
        sent.set(host, (sent.get(host) ?? new Set()).add(authorization));
      }
      if (authorization === basic(creds)) return handler(request);
      const headers = { "www-authenticate": 'Basic realm="test"' };
      return Promise.resolve(new Response(null, { status: 401, headers }));
    });
  };
  const servers = [await start("one:pass:word"), await start("two:secret")] as const;
  const folder = mkdtempSync(join(tmpdir(), "lading-cli-"));
  try {
    const [first, second] = servers;
    const hosts = [`127.0.0.1:${first.port}`, `127.0.0.1:${second.port}`] as const;
    await use({ hosts, folder, digest: image.descriptor.digest, sent });
  } finally {
    rmSync(folder, { recursive: true, force: true });
    for (const server of servers) await server.close();
  }
}

function assertDone({ code, errors }: Run): void {
  assert.equal(code, 0, errors);
}

test("--creds logs in to the registry of a command, and goes before what is kept", () =>
  withTwo(async ({ hosts: [host], folder, digest }) => {
    const image = `${host}/acme/app:1`;
    const creds = ["--creds", "one:pass:word"];
    assert.equal((await lading("digest", image)).code, 4);
    assert.equal((await lading("digest", image, ...creds)).out, `${digest}\n`);
    assertDone(await lading("tags", `${host}/acme/app`, ...creds));
    assertDone(await lading("catalog", host, ...creds));
    assertDone(await lading("pull", image, `oci:${folder}/app:1`, ...creds));
    assertDone(await lading("push", `${folder}/app`, `${host}/acme/app:2`, ...creds));
    assertDone(await lading("tag", `${host}/acme/app:2`, "3", ...creds));
    const kept = JSON.stringify({ auths: { [host]: { auth: btoa("one:other") } } });
    const env = { DOCKER_AUTH_CONFIG: kept };
    assert.equal((await run(["digest", image], { env })).code, 4);
    assert.equal((await run(["digest", image, ...creds], { env })).code, 0);
  }));

test("--src-creds and --dest-creds go to their registries, and to no other", () =>
  withTwo(async ({ hosts: [one, two], folder, sent }) => {
    const [from, to] = [`${one}/acme/app:1`, `${two}/acme/copy:1`];
    const source = ["--src-creds", "one:pass:word"];
    const target = ["--dest-creds", "two:secret"];
    assert.equal((await lading("copy", from, to, ...source)).code, 4);
    assert.equal((await lading("copy", from, to, ...target)).code, 4);
    assertDone(await lading("copy", from, to, ...source, ...target));
    assertDone(await lading("copy", to, `oci:${folder}/app:1`, "--src-creds", "two:secret"));
    assertDone(await lading("copy", `oci:${folder}/app:1`, to, ...target));
    assertDone(await lading("sync", `${one}/acme/app`, `${two}/acme/sync`, ...source, ...target));
    assertDone(await lading("copy", from, to, ...source, ...target, "--dry-run"));
    const archive = await lading("copy", from, "docker-archive:-", ...source);
    assert.equal(archive.code, 0, archive.errors);
    assert.deepEqual(sent.get(one), new Set([basic("one:pass:word")]));
    assert.deepEqual(sent.get(two), new Set([basic("two:secret")]));
  }));

test("commands that make images of others log in to both registries", () =>
  withTwo(async ({ hosts: [one, two], folder, sent }) => {
    const [from, to] = [`${one}/acme/app:1`, `${two}/acme/new:1`];
    const source = ["--src-creds", "one:pass:word"];
    const target = ["--dest-creds", "two:secret"];
    const file = join(folder, "file");
    writeFileSync(file, "content");
    const rows = [
      ["append", from, `${file}:/file`],
      ["mutate", from, "--label", "a=b"],
      ["flatten", from],
      ["squash", from],
      ["rebase", from, "--old-base", from, "--new-base", from],
      ["index", "create", from],
    ];
    for (const row of rows) {
      assert.equal((await lading(...row, "--to", to, ...source)).code, 4, row.join(" "));
      assert.equal((await lading(...row, "--to", to, ...target)).code, 4, row.join(" "));
      assertDone(await lading(...row, "--to", to, ...source, ...target));
    }
    const again = ["--src-creds", "two:secret"];
    assertDone(await lading("index", "list", to, ...again));
    const all = ["--platform", "all", "--annotation", "a=b", "--to", to];
    assertDone(await lading("mutate", to, ...all, ...again, ...target));
    assert.deepEqual(sent.get(one), new Set([basic("one:pass:word")]));
    assert.deepEqual(sent.get(two), new Set([basic("two:secret")]));
  }));

test("credentials of the first image go to no registry that another one is in", () =>
  withTwo(async ({ hosts: [one, two], sent }) => {
    const [mine, other] = [`${one}/acme/app:1`, `${two}/acme/app:1`];
    const creds = ["--creds", "one:pass:word"];
    for (const command of [["diff"], ["manifest", "diff"]]) {
      assertDone(await lading(...command, mine, mine, ...creds));
      assert.equal((await lading(...command, mine, other, ...creds)).code, 4, command.join(" "));
    }
    assertDone(await lading("check-base", mine, "--base", mine, ...creds));
    assert.equal((await lading("check-base", mine, "--base", other, ...creds)).code, 4);
    const bases = ["--old-base", other, "--new-base", mine, "--to", `${one}/acme/new:1`];
    const both = ["--src-creds", "one:pass:word", "--dest-creds", "one:pass:word"];
    assert.equal((await lading("rebase", mine, ...bases, ...both)).code, 4);
    assert.deepEqual(sent.get(one), new Set([basic("one:pass:word")]));
    assert.equal(sent.get(two), undefined);
  }));

test("credentials that make no sense are refused, and are in no message", async () => {
  const rows = [
    [":CANARY", "the user name is empty"],
    ["acme:", "the password is empty"],
    ["acme:CANARY\n", "holds a control character"],
    ["-x:CANARY", "--creds USER[:PASSWORD], or --creds='-…' for one with a dash"],
    ["acme", "there is no terminal to ask for the password; lading login has --password-stdin"],
  ] as const;
  for (const [creds, end] of rows) {
    const { code, stderr } = await run(["digest", "127.0.0.1:1/app:1", "--creds", creds]);
    assert.equal(code, 2, creds);
    assert.ok(stderr.endsWith(`${end}\n`), stderr);
    assert.doesNotMatch(stderr, /CANARY/);
  }
  const other = await run(["copy", "alpine:1", "oci:x", "--creds", "acme:CANARY"]);
  assert.equal(other.code, 2);
  assert.doesNotMatch(other.stderr, /CANARY/);
});

test("a password that is left out is asked for on the terminal", () =>
  withTwo(async ({ hosts: [host], digest }) => {
    const command = [...LADING, "digest", `${host}/acme/app:1`, "--creds", "one"];
    const quoted = command.map((word) => `'${word}'`).join(" ");
    const child = spawn("script", ["-qec", quoted, "/dev/null"], {
      env: { ...process.env, DOCKER_CONFIG: "/nonexistent", TERM: "xterm" },
    });
    let shown = "";
    let isAnswered = false;
    child.stdout.on("data", (chunk) => {
      shown += String(chunk);
      if (isAnswered || !shown.includes("Password of one (--creds): ")) return;
      isAnswered = true;
      child.stdin.write("pass:word\r");
    });
    const code = await new Promise((resolve) => child.on("close", resolve));
    assert.equal(code, 0, shown);
    assert.ok(shown.includes(digest), shown);
    assert.ok(!shown.includes("pass:word"), shown);
  }));
