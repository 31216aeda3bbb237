// Uploads to a real registry: every way, and processes that end in the middle.
import { spawn } from "node:child_process";
import { createServer, request as send } from "node:http";
import { connect, createServer as createNetServer } from "node:net";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { test } from "node:test";
import assert from "node:assert/strict";
import { digestBytes } from "../../lib/hash/mod.ts";
import type { ByteSource } from "../../lib/model/bytes.ts";
import {
  referrersTag,
  Registry,
  type Repository,
  staticCredentials,
  type UploadOptions,
} from "../../lib/registry/mod.ts";
import { hostTransport } from "../../lib/runtime/host_transport.ts";
import { collect, descriptorOf, readAllBytes, sample, utf8 } from "../registry/scripted.ts";
import { piecesOf } from "../registry/upload_registry.ts";
import { withDockerRegistry } from "../support/docker_registry.ts";
import { inScratch, missing, mustRun, run } from "../support/program.ts";
import { startTokenServer } from "../support/token_server.ts";
import { BLOB, CHUNK_BYTES, CONTENT } from "./registry_upload_process.ts";

const skip = missing("docker-registry", "skopeo");
const skipTokens = missing("docker-registry", "openssl");
const CUTS = 20;
const PROCESS = fileURLToPath(new URL("./registry_upload_process.ts", import.meta.url));

function repositoryAt(host: string): Repository {
  return new Registry(host, { transport: hostTransport() }).repository("acme/app");
}

async function assertStored(host: string): Promise<void> {
  assert.deepEqual(await readAllBytes(await repositoryAt(host).fetch(BLOB)), CONTENT);
}

test("a real registry takes a blob in one PUT, in one PATCH and in chunks", { skip }, async () => {
  const ways: UploadOptions[] = [{}, { chunkBytes: Infinity }, { chunkBytes: CHUNK_BYTES }];
  const sources: (() => ByteSource)[] = [() => CONTENT, () => piecesOf(CONTENT)];
  for (const upload of ways) {
    for (const source of sources) {
      await inScratch((folder) =>
        withDockerRegistry(folder, async (host) => {
          await repositoryAt(host).push(BLOB, source(), { upload });
          await assertStored(host);
        })
      );
    }
  }
});

test("a real registry takes content whose digest is found on the way", { skip }, async () => {
  await inScratch((folder) =>
    withDockerRegistry(folder, async (host) => {
      const repository = repositoryAt(host);
      const upload = await repository.startUpload({ chunkBytes: CHUNK_BYTES });
      await upload.append(piecesOf(CONTENT));
      const state = JSON.parse(JSON.stringify(upload.state()));
      const later = await repositoryAt(host).resumeUpload(state);
      await later.append(CONTENT.slice(later.offset));
      assert.equal((await later.finish()).digest, BLOB.digest);
      await assertStored(host);
      const given = await repository.startUpload();
      await given.append(CONTENT.slice(0, CHUNK_BYTES));
      await given.cancel();
      const asked = await fetch(given.state().location);
      await asked.body?.cancel();
      assert.equal(asked.status, 404, "the registry has let go of it");
    })
  );
});

/** What stands in front of a registry: it passes whole requests on, as nginx does by default. */
async function withBufferingProxy(
  upstream: string,
  work: (proxy: {
    readonly host: string;
    /** The ranges of the chunks that the registry has taken. */
    readonly taken: string[];
    /** Calls back after so many bytes of chunks, and drops the connection. */
    cutAfter(bytes: number, killed: () => void): void;
  }) => Promise<void>,
): Promise<void> {
  const taken: string[] = [];
  let left = Infinity;
  let cut = () => {};
  const server = createServer((request, response) => {
    const body: Buffer[] = [];
    request.on("error", () => {});
    request.on("data", (chunk: Buffer) => {
      body.push(chunk);
      if (request.method === "PATCH") left -= chunk.byteLength;
      if (left > 0) return;
      left = Infinity;
      cut();
      request.destroy();
    });
    request.on("end", () => {
      const [hostname, port] = upstream.split(":");
      const { method, url: path, headers } = request;
      const onwards = send({ hostname, port, method, path, headers }, (answer) => {
        if (method === "PATCH" && answer.statusCode === 202) {
          taken.push(headers["content-range"] ?? "");
        }
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      });
      onwards.on("error", () => response.destroy());
      onwards.end(Buffer.concat(body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  try {
    await work({
      host: `127.0.0.1:${port}`,
      taken,
      cutAfter(bytes, killed) {
        left = bytes;
        cut = killed;
      },
    });
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

/** Runs the process until something ends it. */
async function killed(host: string, file: string, arm: (kill: () => void) => void): Promise<void> {
  const child = spawn(process.execPath, [PROCESS, host, file], { stdio: "ignore" });
  const ended = new Promise((resolve) => child.once("close", resolve));
  arm(() => child.kill("SIGKILL"));
  await ended;
  assert.equal(child.signalCode, "SIGKILL", "the push ended before it was cut");
}

test(
  `a push to a real registry that is cut at ${CUTS} offsets and continued by a new process sends no ` +
    "finished chunk twice",
  { skip },
  async () => {
    const chunks = Array.from(
      { length: CONTENT.byteLength / CHUNK_BYTES },
      (_, at) => `${at * CHUNK_BYTES}-${(at + 1) * CHUNK_BYTES - 1}`,
    );
    let seed = 2026;
    for (let round = 0; round < CUTS; round++) {
      seed = seed * 48_271 % 0x7fffffff;
      const offset = 1 + seed % (CONTENT.byteLength - 1);
      await inScratch((folder) =>
        withDockerRegistry(
          folder,
          (registry) =>
            withBufferingProxy(registry, async ({ host, taken, cutAfter }) => {
              const file = join(folder, "state.json");
              await killed(host, file, (kill) => cutAfter(offset, kill));
              assert.equal(taken.length, Math.floor((offset - 1) / CHUNK_BYTES), `${offset}`);
              await mustRun(process.execPath, [PROCESS, host, file]);
              assert.deepEqual(taken, chunks, `cut at ${offset}`);
              await assertStored(registry);
            }),
        )
      );
    }
  },
);

test(
  "a chunk that breaks inside distribution 2.8 costs the session: a new process starts over",
  { skip },
  async () => {
    for (const offset of [1, 450_001, CONTENT.byteLength - 1]) {
      await inScratch((folder) =>
        withDockerRegistry(folder, async (registry) => {
          // Bytes go on as they come, so that the registry has a part of a chunk.
          let left = offset;
          let cut = () => {};
          const [hostname, port] = registry.split(":");
          const server = createNetServer((client) => {
            const onwards = connect(Number(port), hostname);
            client.on("error", () => {});
            onwards.on("error", () => {});
            onwards.pipe(client);
            client.on("data", (chunk) => {
              onwards.write(chunk);
              left -= chunk.byteLength;
              if (left > 0) return;
              cut();
              client.destroy();
              onwards.destroy();
            });
            client.on("end", () => onwards.end());
          });
          await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
          const address = server.address();
          const host = `127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
          const file = join(folder, "state.json");
          await killed(host, file, (kill) => cut = kill);
          left = Infinity;
          await mustRun(process.execPath, [PROCESS, host, file]);
          await assertStored(registry);
          await new Promise((resolve) => server.close(resolve));
        })
      );
    }
  },
);

test(
  "an artifact is listed under the tag of its subject, and skopeo reads the tag",
  { skip },
  async () => {
    await inScratch((folder) =>
      withDockerRegistry(folder, async (host) => {
        const repository = repositoryAt(host);
        const empty = utf8("{}");
        const config = descriptorOf(empty, "application/vnd.oci.empty.v1+json");
        await repository.push(config, empty);
        const mediaType = "application/vnd.oci.image.manifest.v1+json";
        const subject = sample(
          { schemaVersion: 2, mediaType, config, layers: [config] },
          mediaType,
        );
        await repository.push(subject.descriptor, subject.raw);
        const notes = ["one", "two"].map((name) =>
          sample({
            schemaVersion: 2,
            mediaType,
            artifactType: "application/vnd.test.note",
            config,
            layers: [config],
            subject: subject.descriptor,
            annotations: { name },
          }, mediaType)
        );
        await Promise.all(notes.map(({ descriptor, raw }) => repository.push(descriptor, raw)));
        const found = await collect(repository.referrers(subject.descriptor));
        assert.deepEqual(
          found.map(({ digest, artifactType }) => `${artifactType} ${digest}`).sort(),
          notes.map(({ descriptor }) => `application/vnd.test.note ${descriptor.digest}`).sort(),
        );
        const tag = referrersTag(subject.descriptor.digest);
        const inspected = (tag: string) =>
          run("skopeo", [
            "inspect",
            "--raw",
            "--tls-verify=false",
            `docker://${host}/acme/app:${tag}`,
          ]);
        const { stdout } = await inspected(tag);
        assert.equal(JSON.parse(stdout).manifests.length, 2);
        for (const { descriptor } of notes) await repository.delete(descriptor);
        assert.notEqual((await inspected(tag)).code, 0, "the empty list is deleted with its tag");
        assert.deepEqual(await collect(repository.referrers(subject.descriptor)), []);
        assert.equal(
          (await repository.resolve(subject.descriptor.digest)).digest,
          subject.descriptor.digest,
        );
      })
    );
  },
);

test("a blob is pushed and read under its SHA-512", { skip }, async () => {
  await inScratch((folder) =>
    withDockerRegistry(folder, async (host) => {
      const blob = { ...BLOB, digest: digestBytes("sha512", CONTENT) };
      const repository = repositoryAt(host);
      await repository.push(blob, () => piecesOf(CONTENT), { upload: { chunkBytes: CHUNK_BYTES } });
      assert.deepEqual(await readAllBytes(await repository.fetch(blob)), CONTENT);
    })
  );
});

test(
  "F9: a token that ends between two chunks is renewed, and no finished chunk is sent again",
  { skip: skipTokens },
  () =>
    inScratch(async (folder) => {
      const user = { password: "canary-password", actions: ["pull", "push", "delete"] };
      const tokens = await startTokenServer(folder, "ES256", new Map([["writer", user]]));
      try {
        await withDockerRegistry(folder, async (host) => {
          const taken: string[] = [];
          const repository = new Registry(host, {
            allowedRealms: [tokens.origin],
            credentials: staticCredentials(host, {
              kind: "basic",
              username: "writer",
              password: user.password,
            }),
            async transport(request) {
              const response = await fetch(request);
              const range = request.headers.get("content-range");
              if (response.status === 202 && range !== null) taken.push(range);
              return response;
            },
          }).repository("acme/app");
          // Distribution 2.8 takes tokens a minute longer: these end in four seconds, within which
          // some chunks are sent.
          tokens.lifetimeSeconds = -56;
          const age = () => new Promise((resolve) => setTimeout(resolve, 5200));
          const upload = await repository.startUpload({ chunkBytes: CHUNK_BYTES });
          await upload.append(CONTENT.slice(0, 900_000));
          await age();
          const before = tokens.issued.length;
          await upload.append(CONTENT.slice(900_000, 1_500_000));
          await age();
          await upload.append(CONTENT.slice(1_500_000));
          assert.equal((await upload.finish()).digest, BLOB.digest);
          assert.equal(tokens.issued.length - before, 2, "one token for each that has ended");
          assert.equal(taken.length, new Set(taken).size);
          const sent = taken.map((range) => range.split("-").map(Number))
            .reduce((sum, [start = 0, end = 0]) => sum + end - start + 1, 0);
          assert.equal(sent, CONTENT.byteLength);
          const given = await repository.startUpload({ chunkBytes: CHUNK_BYTES });
          await given.append(CONTENT.slice(0, CHUNK_BYTES));
          await given.cancel();
          await assert.rejects(repository.resumeUpload(given.state()), /start a new one/);
        }, tokens.auth);
      } finally {
        await tokens.close();
      }
    }),
);
