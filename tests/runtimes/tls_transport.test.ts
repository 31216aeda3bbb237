// Registries with certificates of their own: authorities, clients' certificates, and none at all.
import { copyFileSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import assert from "node:assert/strict";
import { digestBytes } from "../../lib/hash/mod.ts";
import { type LadingError, RegistryError } from "../../lib/model/errors.ts";
import { Registry } from "../../lib/registry/mod.ts";
import { detectRuntime } from "../../lib/runtime/detect.ts";
import { tlsTransport, type TLSTransportOptions } from "../../lib/runtime/tls_transport.ts";
import { inScratch, missing, mustRun } from "../support/program.ts";
import { lading } from "./lading_main.ts";
import { lading as run } from "./lading_process.ts";

const skip = missing("openssl");
const RAW = '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json",' +
  '"manifests":[]}';
const DIGEST = digestBytes("sha256", new TextEncoder().encode(RAW));

interface Bench {
  readonly host: string;
  readonly file: (name: string) => string;
  readonly pem: (name: string) => string;
}

/** Makes an authority and a certificate of it for a server and for a client. */
async function makeCertificates(folder: string): Promise<void> {
  const file = (name: string) => join(folder, name);
  const openssl = (...args: string[]) => mustRun("openssl", args);
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  await openssl(
    ...["req", "-x509", ...key, "-days", "2", "-subj", "/CN=acme authority"],
    ...["-keyout", file("ca.key"), "-out", file("ca.crt")],
    ...["-addext", "basicConstraints=critical,CA:TRUE"],
  );
  for (
    const [name, alternative] of [["server", "IP:127.0.0.1,IP:0.0.0.0"], ["client", "DNS:client"]]
  ) {
    await openssl(
      ...["req", ...key, "-subj", `/CN=${name}`, "-addext", `subjectAltName=${alternative}`],
      ...["-keyout", file(`${name}.key`), "-out", file(`${name}.csr`)],
    );
    await openssl(
      ...["x509", "-req", "-in", file(`${name}.csr`), "-days", "2", "-copy_extensions", "copy"],
      ...["-CA", file("ca.crt"), "-CAkey", file("ca.key"), "-CAcreateserial"],
      ...["-out", file(`${name}.crt`)],
    );
  }
}

async function withBench(
  wantsClient: boolean,
  use: (bench: Bench) => Promise<void>,
): Promise<void> {
  await inScratch(async (folder) => {
    await makeCertificates(folder);
    const file = (name: string) => join(folder, name);
    const pem = (name: string) => readFileSync(file(name), "utf8");
    const server = createServer({
      key: pem("server.key"),
      cert: pem("server.crt"),
      ...(wantsClient ? { requestCert: true, rejectUnauthorized: true, ca: pem("ca.crt") } : {}),
    }, (request, response) => {
      response.writeHead(200, {
        "content-type": "application/vnd.oci.image.index.v1+json",
        "content-length": String(RAW.length),
        "docker-content-digest": DIGEST,
      });
      response.end(request.method === "HEAD" ? undefined : RAW);
    });
    server.on("tlsClientError", () => {});
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    try {
      await use({ host: `127.0.0.1:${(server.address() as AddressInfo).port}`, file, pem });
    } finally {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  });
}

async function digestOver(host: string, options: TLSTransportOptions): Promise<string> {
  const registry = new Registry(host, {
    transport: tlsTransport(options),
    plainHTTP: false,
    retry: { retries: 1, baseMs: 1 },
  });
  return (await registry.repository("acme/app").manifest("latest")).descriptor.digest;
}

async function refusal(work: Promise<unknown>): Promise<RegistryError> {
  const error = await work.then(() => assert.fail("it was taken"), (error) => error);
  assert.ok(error instanceof RegistryError, String(error));
  return error;
}

test(
  "an authority that is named is trusted, and only for who names it",
  { skip },
  () =>
    withBench(false, async ({ host, pem }) => {
      for (let i = 0; i < 3; i++) {
        assert.equal(await digestOver(host, { ca: pem("ca.crt") }), DIGEST);
      }
      assert.equal((await refusal(digestOver(host, {}))).status, 0);
      // The certificate of the client is no authority.
      await refusal(digestOver(host, { ca: pem("client.crt") }));
      assert.equal(await digestOver(host, { verify: false }), DIGEST);
    }),
);

test(
  "a certificate is shown to a registry that wants one",
  { skip },
  () =>
    withBench(true, async ({ host, pem }) => {
      const ca = pem("ca.crt");
      const client = { ca, cert: pem("client.crt"), key: pem("client.key") };
      assert.equal(await digestOver(host, client), DIGEST);
      assert.equal((await refusal(digestOver(host, { ca }))).status, 0);
    }),
);

test(
  "the command takes certificates as files",
  { skip },
  () =>
    withBench(true, async ({ host, file }) => {
      const image = `${host}/acme/app:latest`;
      const client = ["--client-cert", file("client.crt"), "--client-key", file("client.key")];
      const trusted = await lading("digest", image, "--ca-cert", file("ca.crt"), ...client);
      assert.equal(trusted.code, 0, trusted.errors);
      assert.equal(trusted.out.trim(), DIGEST);
      const careless = await lading("digest", image, "--insecure", ...client);
      assert.equal(careless.out.trim(), DIGEST);
      assert.match(careless.errors, /warning: the certificates of registries are not verified/);
      const wrong: readonly (readonly string[])[] = [
        ["--ca-cert", file("absent.crt")],
        ["--client-cert", file("client.crt")],
      ];
      for (const options of wrong) {
        assert.equal((await lading("digest", image, ...options)).code, 2);
      }
    }),
);

test(
  "the command uses certificates that docker, podman and skopeo keep for a host",
  { skip },
  () =>
    withBench(true, async ({ host, file, pem }) => {
      // All addresses of this machine, which is not on loopback by its text.
      const named = host.replace(/^[^:]*/, "0.0.0.0");
      const image = `${named}/acme/app:latest`;
      const home = file("home");
      const kept = join(home, ".config/containers/certs.d", named);
      mkdirSync(kept, { recursive: true });
      const keep = (from: string, to: string) => copyFileSync(file(from), join(kept, to));
      const digest = (...args: string[]) => run(["digest", ...args], { env: { HOME: home } });
      const untrusted = await digest(image);
      assert.equal(untrusted.code, 1);
      assert.match(untrusted.stderr, /--ca-cert FILE trusts its authority/);
      writeFileSync(join(kept, "acme.crt"), "no certificate");
      assert.match((await digest(image)).stderr, /acme\.crt: it has no certificate in PEM/);
      keep("ca.crt", "acme.crt");
      // It wants to know who asks.
      assert.equal((await digest(image)).code, 1);
      keep("client.crt", "acme.cert");
      const half = await digest(image);
      assert.equal(half.code, 1);
      assert.match(half.stderr, /acme\.cert: its key acme\.key is not beside it/);
      writeFileSync(join(kept, "acme.key"), pem("client.crt"));
      assert.match((await digest(image)).stderr, /acme\.key: it has no private key in PEM/);
      keep("client.key", "acme.key");
      const whole = await digest(image);
      assert.equal(whole.stdout.trim(), DIGEST, whole.stderr);
      // What is said on the command line goes before.
      assert.equal((await digest(image, "--ca-cert", file("ca.crt"))).code, 1);
      const other = join(kept, "..", "0.0.0.0:1");
      renameSync(kept, other);
      assert.equal((await digest(image)).code, 1);
    }),
);

test("a runtime without sockets says that it cannot choose certificates", () => {
  if (detectRuntime() !== "node") return;
  const { process } = globalThis as { process?: unknown };
  try {
    Object.defineProperty(globalThis, "process", { value: undefined, configurable: true });
    assert.throws(() => tlsTransport({ ca: "" }), (error: LadingError) => {
      return error.code === "UNSUPPORTED_TLS";
    });
  } finally {
    Object.defineProperty(globalThis, "process", { value: process, configurable: true });
  }
});
