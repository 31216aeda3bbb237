// Archives through pipes: what `docker save | lading` and `lading | docker load` do.
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { gzipSync } from "node:zlib";
import { test } from "node:test";
import assert from "node:assert/strict";
import { memoryFileSystem, ociArchiveTarget } from "../../lib/store/mod.ts";
import { readAll } from "../../lib/bytes/mod.ts";
import { serve } from "../../lib/runtime/serve.ts";
import { fileContent } from "../../lib/store/file_content.ts";
import { writeTar } from "../../lib/tar/mod.ts";
import { fakeEngine, randomImage } from "../../lib/testing/mod.ts";
import { LADING, until } from "./lading_process.ts";

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command with bytes on its standard input. */
function pipe(input: Uint8Array, ...args: string[]): Promise<Ended> {
  return pipeIn({}, input, ...args);
}

/** Does it in an environment. */
async function pipeIn(
  env: Readonly<Record<string, string>>,
  input: Uint8Array,
  ...args: string[]
): Promise<Ended> {
  const [program = "", ...first] = LADING;
  const child = spawn(program, [...first, ...args], {
    env: { ...process.env, CI: "", DOCKER_CONFIG: "/nowhere", ...env },
    timeout: 60_000,
  });
  const [out, errors]: [Buffer[], Buffer[]] = [[], []];
  child.stdout.on("data", (chunk) => out.push(chunk));
  child.stderr.on("data", (chunk) => errors.push(chunk));
  // A reader that has seen enough is no failure.
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject).on("close", resolve);
  });
  return { code, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(errors).toString() };
}

async function archive(): Promise<{ readonly bytes: Uint8Array; readonly digest: string }> {
  const fs = memoryFileSystem();
  const target = ociArchiveTarget(fs, "image.tar");
  const image = await randomImage("stdin", { layers: 2 });
  await image.pushTo(target, "docker.io/acme/app:1");
  await target.close();
  const stream = await fileContent(fs, "image.tar")();
  return { bytes: await readAll(stream, { maxBytes: 1 << 26 }), digest: image.descriptor.digest };
}

async function inFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "lading-stdin-"));
  try {
    await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test("lading copy reads an OCI archive from its standard input, and keeps the digest", async () => {
  const { bytes, digest } = await archive();
  await inFolder(async (folder) => {
    const run = await pipe(bytes, "copy", "oci-archive:-", `oci:${folder}/layout:1`);
    assert.equal(run.code, 0, run.stderr);
    assert.equal(run.stdout, `oci:${folder}/layout@${digest}\n`);
    const { manifests } = JSON.parse(readFileSync(join(folder, "layout", "index.json"), "utf8"));
    assert.equal(manifests[0].digest, digest);
  });
});

test("lading push and ls read an archive of Docker's from their standard input", async () => {
  const { bytes } = await archive();
  await inFolder(async (folder) => {
    const pushed = await pipe(bytes, "push", "-", `oci:${folder}/layout:1`);
    assert.equal(pushed.code, 0, pushed.stderr);
    const listed = await pipe(bytes, "ls", "docker-archive:-");
    assert.equal(listed.code, 0, listed.stderr);
    assert.ok(listed.stdout.split("\n").length > 3, listed.stdout);
  });
});

test("commands that look into an archive from their standard input leave no file", async () => {
  const { bytes } = await archive();
  await inFolder(async (folder) => {
    const temporary = join(folder, "temporary");
    mkdirSync(temporary);
    const [image, to] = ["docker-archive:-", ["--to", `oci:${folder}/made:1`]];
    const rows = [
      ["inspect", image],
      ["ls", image],
      ["cat", image, "/none"],
      ["config", image],
      ["manifest", image],
      ["digest", image, "--platform", "linux/amd64"],
      ["extract", image, join(folder, "tree")],
      ["mutate", image, "--label", "a=b", ...to],
      ["index", "create", image, ...to],
      ["diff", image, `oci:${folder}/made:1`],
    ];
    for (const args of rows) {
      const run = await pipeIn({ TMPDIR: temporary }, bytes, ...args);
      assert.equal(run.code, args[0] === "cat" ? 3 : 0, `${args.join(" ")}: ${run.stderr}`);
      assert.deepEqual(readdirSync(temporary), [], args.join(" "));
    }
  });
});

test("an archive that breaks off on the standard input is refused, and nothing is named", async () => {
  const { bytes } = await archive();
  await inFolder(async (folder) => {
    for (const end of [0, 100, 5000, bytes.length >> 1, bytes.length - 2000]) {
      const part = bytes.subarray(0, end);
      const run = await pipe(part, "copy", "docker-archive:-", `oci:${folder}/l${end}:1`);
      assert.notEqual(run.code, 0, `${end}`);
      assert.match(run.stderr, end === 0 ? /it is empty\n$/ : /^lading: [^\n]+\n$/);
      const found = await pipe(new Uint8Array(), "digest", `oci:${folder}/l${end}:1`);
      assert.equal(found.code, 3, `${end}: ${found.stdout}`);
    }
  });
});

test("lading append takes an archive from its standard input as a layer, and leaves no file", async () => {
  const body = new Uint8Array(300_000).map((_, index) => (index * 7919) >> 4);
  const tar = await readAll(writeTar([{ path: "data", body }]), { maxBytes: 1 << 26 });
  await inFolder(async (folder) => {
    const to = `oci:${folder}/layout:1`;
    const temporary = join(folder, "temporary");
    mkdirSync(temporary);
    const env = { TMPDIR: temporary };
    const args = ["append", "scratch", "--platform", "linux/amd64", "--to", to];
    for (const [source, name] of [["-", "/data"], ["-:/in/side", "/in/side/data"]]) {
      const run = await pipeIn(env, tar, ...args, source ?? "");
      assert.equal(run.code, 0, run.stderr);
      const diffed = await pipe(new Uint8Array(), "ls", to);
      assert.ok(`/${diffed.stdout}`.replaceAll("\n", "\n/").includes(`${name}\n`), diffed.stdout);
    }
    const broken = await pipeIn(env, tar.subarray(0, 1000), ...args, "-:/x");
    assert.equal(broken.code, 6, broken.stderr);
    assert.match(broken.stderr, /^lading: [^\n]+\n$/);
    assert.equal((await pipe(new Uint8Array(), "ls", to)).stdout.includes("in/side/data"), true);
    assert.deepEqual(readdirSync(temporary), []);
  });
});

test("lading ends at once when it is interrupted while it waits for its standard input", async () => {
  const tar = await readAll(writeTar([{ path: "data", body: new Uint8Array(5000) }]), {
    maxBytes: 1 << 20,
  });
  await inFolder(async (folder) => {
    const temporary = join(folder, "temporary");
    mkdirSync(temporary);
    const to = `oci:${folder}/layout`;
    const platform = ["--platform", "linux/amd64"];
    const rows = [["append", "scratch", "-", ...platform, "--to", `${to}:1`], [
      "blob",
      "push",
      to,
      "-",
    ]];
    for (const args of rows) {
      const [program = "", ...first] = LADING;
      const child = spawn(program, [...first, ...args], {
        env: { ...process.env, CI: "", TMPDIR: temporary },
        stdio: ["pipe", "ignore", "pipe"],
        timeout: 60_000,
      });
      const errors: Buffer[] = [];
      child.stderr.on("data", (chunk) => errors.push(chunk));
      const ended = new Promise<number | null>((resolve, reject) => {
        child.on("error", reject).on("close", resolve);
      });
      // More never comes, and the pipe stays open.
      child.stdin.write(tar.subarray(0, 2048));
      await until(() => readdirSync(temporary).length > 0, `${args[0]} waits for more`);
      process.kill(child.pid ?? NaN, "SIGINT");
      assert.equal(await ended, 130, args.join(" "));
      assert.equal(String(Buffer.concat(errors)), "lading: interrupted\n");
      assert.deepEqual(readdirSync(temporary), []);
      child.stdin.destroy();
    }
  });
});

test("lading engine build takes a Dockerfile or an archive from its standard input", () =>
  inFolder(async (folder) => {
    writeFileSync(join(folder, "index.html"), "<h1>hello</h1>\n");
    const engine = fakeEngine();
    const sent: string[] = [];
    const server = await serve(async (request) => {
      const { pathname, searchParams } = new URL(request.url);
      if (!pathname.endsWith("/build")) return await engine.transport(request);
      const context = await request.clone().text();
      sent.push(searchParams.get("dockerfile") ?? "", context);
      return await engine.transport(request);
    });
    try {
      const dockerfile = new TextEncoder().encode("FROM scratch\nCOPY index.html /from-stdin\n");
      const host = ["--host", `http://127.0.0.1:${server.port}`];
      const run = await pipe(dockerfile, "engine", "build", folder, "--file", "-", ...host);
      assert.equal(run.code, 0, run.stderr);
      assert.match(run.stdout, /^sha256:[0-9a-f]{64}\n$/);
      const [name = "", context = ""] = sent;
      assert.match(name, /^\.dockerfile\.[0-9a-f]{20}$/);
      for (const part of [name, "/from-stdin", "<h1>hello</h1>"]) assert.ok(context.includes(part));

      const alone = new TextEncoder().encode("FROM scratch\nLABEL a=alone\n");
      const files = [{ path: "Dockerfile", body: alone }];
      const archive = await readAll(writeTar(files), { maxBytes: 1e6 });
      for (const input of [alone, archive, gzipSync(archive)]) {
        sent.length = 0;
        const run = await pipe(input, "engine", "build", "-", ...host);
        assert.equal(run.code, 0, run.stderr);
        assert.match(run.stdout, /^sha256:[0-9a-f]{64}\n$/);
        if (input === alone) assert.ok(sent[1]?.includes("a=alone"));
      }
    } finally {
      await server.close();
    }
  }));
