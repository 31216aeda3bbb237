/** C1 and C5 over real TLS: what a registry behind https can make a client do. */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { digestBytes } from "../../lib/hash/mod.ts";
import { detectRuntime } from "../../lib/runtime/detect.ts";
import { inScratch, missing, mustRun } from "../support/program.ts";
import { type LoopbackServer, startServer, type WireRequest } from "./loopback.ts";
import type { Outcome, Task } from "./tls_client.ts";

const USERNAME = "canary-user";
const PASSWORD = "canary-password";
const BASIC = `Basic ${btoa(`${USERNAME}:${PASSWORD}`)}`;

const RAW = '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json",' +
  '"manifests":[]}';
const DESCRIPTOR = {
  mediaType: "application/vnd.oci.image.index.v1+json",
  digest: digestBytes("sha256", new TextEncoder().encode(RAW)),
  size: RAW.length,
};

const CLIENT = fileURLToPath(
  new URL(`./tls_client${import.meta.url.endsWith(".js") ? ".js" : ".ts"}`, import.meta.url),
);
const RUN: Readonly<Record<string, readonly string[]>> = { deno: ["run", "-A", "--no-check"] };

/** Runs the client in a process of this runtime, which trusts a certificate, or none. */
async function ask(task: Task, certificate: string | undefined): Promise<Outcome[]> {
  const trust = certificate === undefined
    ? {}
    : { NODE_EXTRA_CA_CERTS: certificate, DENO_CERT: certificate };
  const child = spawn(
    process.execPath,
    [...(RUN[detectRuntime()] ?? []), CLIENT, JSON.stringify(task)],
    { env: { ...process.env, ...trust }, stdio: ["ignore", "pipe", "pipe"], timeout: 60_000 },
  );
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk) => stdout += chunk);
  child.stderr.on("data", (chunk) => stderr += chunk);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject).on("close", resolve);
  });
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout) as Outcome[];
}

function serveIndex({ method }: WireRequest, response: ServerResponse): void {
  if (method === "PUT") return void response.writeHead(201).end();
  response.writeHead(200, {
    "content-type": DESCRIPTOR.mediaType,
    "content-length": String(DESCRIPTOR.size),
    "docker-content-digest": DESCRIPTOR.digest,
  });
  response.end(method === "HEAD" ? undefined : RAW);
}

interface Bench {
  /** The registry: https, wants Basic, and then leads elsewhere. */
  readonly registry: LoopbackServer;
  /** Two other servers, which give and take everything. */
  readonly secure: LoopbackServer;
  readonly plain: LoopbackServer;
  /** The file of the certificate of the https servers. */
  readonly certificate: string;
  /** Where the registry leads. */
  location: string;
}

async function withBench(work: (bench: Bench) => Promise<void>): Promise<void> {
  await inScratch(async (folder) => {
    const [keyFile, certificate] = [join(folder, "server.key"), join(folder, "server.crt")];
    await mustRun("openssl", [
      ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"],
      ...["-days", "2", "-subj", "/CN=localhost", "-keyout", keyFile, "-out", certificate],
      ...["-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"],
      // Deno takes no certificate of an authority for that of a server.
      ...["-addext", "basicConstraints=critical,CA:FALSE"],
    ]);
    const tls = { key: readFileSync(keyFile, "utf8"), cert: readFileSync(certificate, "utf8") };
    const registry = await startServer((request, response) => {
      if (request.path === "/moved") return serveIndex(request, response);
      if (request.headers["authorization"] === BASIC) {
        return void response.writeHead(307, { location: bench.location }).end();
      }
      response.writeHead(401, { "www-authenticate": 'Basic realm="test"' }).end();
    }, { tls });
    const secure = await startServer(serveIndex, { tls });
    const plain = await startServer(serveIndex);
    const bench: Bench = { registry, secure, plain, certificate, location: "" };
    try {
      await work(bench);
    } finally {
      for (const server of [registry, secure, plain]) await server.close();
    }
  });
}

function taskOf({ registry }: Bench, options: Partial<Task> = {}): Task {
  return {
    host: `127.0.0.1:${registry.port}`,
    username: USERNAME,
    password: PASSWORD,
    transport: "fetch",
    fixLocationScheme: false,
    descriptor: DESCRIPTOR,
    raw: RAW,
    ...options,
  };
}

const TRANSPORTS = ["fetch", "host"] as const;
const skip = missing("openssl");

for (const transport of TRANSPORTS) {
  test(`C1 over TLS by ${transport}: https to http is refused, and nothing is sent there`, {
    skip,
  }, () =>
    withBench(async (bench) => {
      const { registry, plain, certificate } = bench;
      for (const fixLocationScheme of [false, true]) {
        bench.location = `http://localhost:${plain.port}/away`;
        const outcomes = await ask(taskOf(bench, { transport, fixLocationScheme }), certificate);
        assert.deepEqual(outcomes.map(({ method }) => method), ["GET", "HEAD", "PUT"]);
        for (const { method, error, retries } of outcomes) {
          assert.match(error?.message ?? "", /leads from https to http:\/\/localhost/, method);
          assert.doesNotMatch(error?.text ?? "", /canary/);
          assert.equal(retries, 0, method);
        }
      }
      assert.ok(registry.seen.some(({ headers }) => headers["authorization"] === BASIC));
      assert.deepEqual(plain.seen, []);
    }));

  test(`C1 over TLS by ${transport}: http on the registry's own host is https when asked for`, {
    skip,
  }, () =>
    withBench(async (bench) => {
      const { registry, plain, certificate } = bench;
      bench.location = `http://127.0.0.1:${registry.port}/moved`;
      for (const { method, error } of await ask(taskOf(bench, { transport }), certificate)) {
        assert.match(error?.message ?? "", /fixLocationScheme/, method);
      }
      assert.ok(registry.seen.every(({ path }) => path !== "/moved"));
      const fixed = taskOf(bench, { transport, fixLocationScheme: true });
      for (const { method, error } of await ask(fixed, certificate)) {
        assert.equal(error, undefined, `${method}: ${error?.message}`);
      }
      assert.equal(registry.seen.filter(({ path }) => path === "/moved").length, 3);
      assert.deepEqual(plain.seen, []);
    }));

  test(
    `C1 over TLS by ${transport}: another port of https gets no secret`,
    { skip },
    () =>
      withBench(async (bench) => {
        const { secure, certificate } = bench;
        bench.location = `https://127.0.0.1:${secure.port}/away?sig=1`;
        for (const { method, error } of await ask(taskOf(bench, { transport }), certificate)) {
          assert.equal(error, undefined, `${method}: ${error?.message}`);
        }
        assert.equal(secure.seen.length, 3);
        const secrets = secure.seen.filter(({ headers }) =>
          "authorization" in headers ||
          JSON.stringify(headers).includes(btoa(PASSWORD).slice(0, 12))
        );
        assert.deepEqual(secrets, []);
      }),
  );

  test(`C5 by ${transport}: a certificate that nobody vouches for ends the call at once`, {
    skip,
  }, () =>
    withBench(async (bench) => {
      for (const { method, error, retries } of await ask(taskOf(bench, { transport }), undefined)) {
        assert.equal(error?.name, "RegistryError", method);
        assert.equal(error?.status, 0, method);
        assert.equal(retries, 0, `${method}: ${error?.message}`);
        assert.match(error?.message ?? "", /certificate/, method);
        assert.doesNotMatch(error?.text ?? "", /canary/);
      }
      assert.deepEqual(bench.registry.seen, []);
    }));

  test(
    `C5 by ${transport}: a server that speaks http only is not asked over http`,
    { skip },
    () =>
      withBench(async (bench) => {
        const { plain, certificate } = bench;
        const task = taskOf(bench, { transport, host: `127.0.0.1:${plain.port}` });
        for (const { method, error } of await ask(task, certificate)) {
          assert.equal(error?.name, "RegistryError", method);
          assert.equal(error?.status, 0, method);
        }
        assert.deepEqual(plain.seen, []);
      }),
  );
}
