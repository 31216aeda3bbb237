// Finding a real engine as the docker command does, and credentials for its registries.
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import assert from "node:assert/strict";
import { Engine } from "../../lib/runtime/engine.ts";
import { writeTar } from "../../lib/tar/writer.ts";
import { makeCertificates } from "../support/certificates.ts";
import { noDockerEngine, withDockerEngine } from "../support/docker_engine.ts";
import { withDockerRegistry } from "../support/docker_registry.ts";
import { inScratch, mustRun } from "../support/program.ts";

async function failure(work: PromiseLike<unknown>): Promise<Record<string, unknown>> {
  return await work.then(
    () => assert.fail("it should have failed"),
    (error: unknown) => error as Record<string, unknown>,
  );
}

test("Engine.connect() goes where the docker command goes: contexts, variables, the call", {
  skip: noDockerEngine(),
}, async () => {
  await inScratch((folder) =>
    withDockerEngine(join(folder, "engine"), async ({ hosts: [unix, tcp] }) => {
      const config = join(folder, "config");
      const env = { DOCKER_CONFIG: config };
      const context = (...args: string[]) => mustRun("docker", ["context", ...args], { env });
      await context("create", "by-socket", "--docker", `host=${unix}`);
      await context("create", "nobody", "--docker", "host=tcp://127.0.0.1:1");
      const names = async (environment: Record<string, string>, options = {}) => {
        await using engine = await Engine.connect({
          environment: { ...env, ...environment },
          ...options,
        });
        assert.equal((await engine.ping()).os, "linux");
        return engine.name;
      };
      assert.equal(await names({ DOCKER_CONTEXT: "by-socket" }), unix);
      assert.equal(await names({}, { context: "by-socket" }), unix);
      const port = tcp.replace("tcp:", "http:");
      assert.equal(await names({ DOCKER_HOST: tcp, DOCKER_CONTEXT: "nobody" }), port);
      await context("use", "by-socket");
      assert.equal(await names({}), unix);
      await context("use", "nobody");
      const error = await failure(names({}));
      assert.equal(error["reason"], "unreachable");
      const gone = await failure(names({ DOCKER_CONTEXT: "gone" }));
      assert.equal(gone["code"], "INVALID_CONFIG");
      const pinned = { DOCKER_HOST: unix, DOCKER_API_VERSION: "1.30" };
      await using engine = await Engine.connect({ environment: { ...env, ...pinned } });
      assert.equal(await engine.apiVersion(), "1.30");
      assert.deepEqual(await engine.images.list(), []);
    })
  );
});

test("ssh:// reaches an engine through the docker command at the other end", {
  skip: noDockerEngine(),
}, async () => {
  await inScratch((folder) =>
    withDockerEngine(join(folder, "engine"), async ({ hosts: [unix] }) => {
      // Stands for ssh: what it would run there runs here.
      const script = `while [ "$1" != -- ]; do shift; done; shift 2; exec "$@"`;
      writeFileSync(join(folder, "ssh"), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
      const path = process.env["PATH"];
      process.env["PATH"] = `${folder}:${path}`;
      try {
        const host = `ssh://me@far.test${unix.slice("unix://".length)}`;
        await using engine = await Engine.connect({ host, environment: {} });
        const tree = writeTar([{ path: "a", body: new Uint8Array(3_000_000) }]);
        const image = await engine.images.import(tree, { name: "base:1" });
        const archive = image.save({ named: true });
        assert.deepEqual((await engine.images.load(archive)).names, ["base:1"]);
        const reader = image.save().getReader();
        await reader.read();
        await reader.cancel();
        assert.equal((await engine.images.list()).length, 1);
        const nobody = Engine.connect({ host: `ssh://far.test${folder}/no.sock`, environment: {} });
        const error = await failure(nobody);
        assert.equal(error["reason"], "unreachable");
        assert.match(String(error["message"]), /ssh ended with 1/);
      } finally {
        process.env["PATH"] = path ?? "";
      }
    })
  );
});

test("Engine.connect() proves itself to an engine that asks for certificates", {
  skip: noDockerEngine("openssl"),
}, async () => {
  await inScratch(async (folder) => {
    await makeCertificates(folder);
    const of = (name: string) => join(folder, name);
    const flags = ["--tlsverify", "--tlscacert", of("ca.pem")];
    const own = ["--tlscert", of("server.pem"), "--tlskey", of("server.key")];
    const certificates = of("certificates");
    mkdirSync(certificates);
    copyFileSync(of("ca.pem"), join(certificates, "ca.pem"));
    copyFileSync(of("client.pem"), join(certificates, "cert.pem"));
    copyFileSync(of("client.key"), join(certificates, "key.pem"));
    await withDockerEngine(of("engine"), async ({ hosts: [, tcp] }) => {
      const environment = {
        DOCKER_HOST: tcp,
        DOCKER_TLS_VERIFY: "1",
        DOCKER_CERT_PATH: certificates,
      };
      await using engine = await Engine.connect({ environment });
      assert.match(engine.name, /^https:/);
      const tree = writeTar([{ path: "a", body: new Uint8Array(1_000_000) }]);
      const image = await engine.images.import(tree, { name: "base:1" });
      assert.deepEqual((await engine.images.load(image.save({ named: true }))).names, ["base:1"]);
      const context = of("config");
      const tls = `ca=${of("ca.pem")},cert=${of("client.pem")},key=${of("client.key")}`;
      const env = { DOCKER_CONFIG: context };
      const create = ["context", "create", "sure", "--docker", `host=${tcp},${tls}`];
      await mustRun("docker", create, { env });
      await using other = await Engine.connect({ environment: env, context: "sure" });
      assert.equal((await other.images.list()).length, 1);
      const without = { DOCKER_HOST: tcp, DOCKER_TLS_VERIFY: "1", DOCKER_CONFIG: context };
      const error = await failure(Engine.connect({ environment: without }));
      assert.equal(error["code"], "ENGINE_ERROR");
    }, [...flags, ...own]);
  });
});

test("credentials of Docker's configuration reach a registry through the engine", {
  skip: noDockerEngine("docker-registry", "htpasswd"),
}, async () => {
  await inScratch(async (folder) => {
    // Both of the digits by which the two alphabets of base64 differ, and no ASCII.
    const password = "GR?XGR?XGR?XGR?Xÿ~ü";
    const users = join(folder, "htpasswd");
    await mustRun("htpasswd", ["-Bbc", users, "größe", password]);
    const auth = { htpasswd: { realm: "test", path: users } };
    await withDockerRegistry(
      folder,
      (host) =>
        withDockerEngine(join(folder, "engine"), async ({ hosts: [unix] }) => {
          const credentials = Buffer.from(`größe:${password}`).toString("base64");
          const before = process.env["DOCKER_CONFIG"];
          writeFileSync(
            join(folder, "config.json"),
            JSON.stringify({ auths: { [host]: { auth: credentials } } }),
          );
          process.env["DOCKER_CONFIG"] = folder;
          try {
            await using engine = await Engine.connect({ host: unix });
            const { images } = engine;
            const name = `${host}/acme/app:1`;
            const tree = writeTar([{ path: "a", body: new Uint8Array(1000) }]);
            await images.import(tree, { name });
            const { digest } = await images.push(name);
            await images.remove(name);
            assert.ok((await images.pull(name)).digests.some((text) => text.endsWith(digest)));
            assert.equal((await images.distribution(name)).id, digest);
            const basic = { kind: "basic", username: "größe", password } as const;
            await images.pull(name, { credentials: basic });
            const refused = [
              { kind: "anonymous" } as const,
              { ...basic, password: "wrong" },
            ];
            for (const credentials of refused) {
              const error = await failure(images.pull(name, { credentials }));
              assert.equal(error["code"], "PULL_FAILED");
              assert.equal(error["reason"], "authentication", credentials.kind);
            }
            const login = { registry: host, username: "größe", password };
            assert.equal((await engine.login(login)).status, "Login Succeeded");
            const wrong = await failure(engine.login({ ...login, password: "wrong" }));
            assert.equal(wrong["reason"], "authentication");
          } finally {
            if (before === undefined) delete process.env["DOCKER_CONFIG"];
            else process.env["DOCKER_CONFIG"] = before;
          }
        }),
      auth,
    );
  });
});
