// A real registry, open, with htpasswd and with tokens that end after two seconds: what lading does
// there, and what skopeo, podman and a Docker engine say of it.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import assert from "node:assert/strict";
import { digestBytes } from "../../lib/hash/mod.ts";
import { copy, pushArtifact, validate, walk } from "../../lib/ops/mod.ts";
import {
  Registry,
  type Repository,
  staticCredentials,
  type UploadState,
} from "../../lib/registry/mod.ts";
import { hostTransport } from "../../lib/runtime/host_transport.ts";
import { nodeFileSystem } from "../../lib/runtime/node_file_system.ts";
import { memoryStore, ociLayout } from "../../lib/store/mod.ts";
import { randomImage, randomIndex } from "../../lib/testing/mod.ts";
import { collect, readAllBytes } from "../registry/scripted.ts";
import { noDockerEngine, withDockerEngine } from "../support/docker_engine.ts";
import { withDockerRegistry } from "../support/docker_registry.ts";
import { inScratch, missing, mustRun } from "../support/program.ts";
import { startTokenServer } from "../support/token_server.ts";
import { BLOB, CHUNK_BYTES, CONTENT } from "./registry_upload_process.ts";

const USER = "acme";
const PASSWORD = "canary-password";

/** How long tokens are good, beside the minute that distribution 2.8 takes them longer. */
const TOKEN_SECONDS = 2;
const LEEWAY_SECONDS = 60;

interface Bench {
  readonly host: string;
  readonly folder: string;
  /** A file, `config.json`, with the password for those who read it there. */
  readonly config: string;
  /** Opens a repository, each time as a client that knows nothing yet. */
  open(name: string): Repository;
  /** Waits until every token there is has ended. */
  age(): Promise<void>;
  /** The requests of lading, as `METHOD path -> status`. */
  readonly sent: string[];
  /** From now on tokens live long, for programs that do not renew them. */
  keepTokens(): void;
}

interface Guard {
  readonly auth?: object;
  readonly allowedRealms?: readonly string[];
  age(): Promise<void>;
  keepTokens(): void;
  close(): Promise<void>;
}

const idle = { age: () => Promise.resolve(), keepTokens() {}, close: () => Promise.resolve() };

/** The three ways that registries ask who is there. */
const GUARDS: Readonly<Record<string, (folder: string) => Promise<Guard>>> = {
  "an open registry": () => Promise.resolve(idle),
  async "a registry with htpasswd"(folder) {
    const path = join(folder, "htpasswd");
    const { stdout } = await mustRun("htpasswd", ["-nbB", USER, PASSWORD]);
    writeFileSync(path, stdout);
    return { ...idle, auth: { htpasswd: { realm: "test", path } } };
  },
  async "a registry whose tokens end after two seconds"(folder) {
    const user = { password: PASSWORD, actions: ["pull", "push", "delete"] };
    const tokens = await startTokenServer(folder, "ES256", new Map([[USER, user]]));
    tokens.lifetimeSeconds = TOKEN_SECONDS - LEEWAY_SECONDS;
    return {
      auth: tokens.auth,
      allowedRealms: [tokens.origin],
      age: () => new Promise((resolve) => setTimeout(resolve, (TOKEN_SECONDS + 1.2) * 1000)),
      keepTokens: () => {
        tokens.lifetimeSeconds = 300;
      },
      close: () => tokens.close(),
    };
  },
};

async function withBench(name: string, work: (bench: Bench) => Promise<void>): Promise<void> {
  await inScratch(async (folder) => {
    const guard = await GUARDS[name]?.(folder);
    assert.ok(guard !== undefined);
    const { age, keepTokens, allowedRealms = [] } = guard;
    const sent: string[] = [];
    const transport = hostTransport();
    try {
      await withDockerRegistry(folder, async (host) => {
        const config = join(folder, "login", "config.json");
        mkdirSync(join(folder, "login"));
        const auth = btoa(`${USER}:${PASSWORD}`);
        const auths = guard.auth === undefined ? {} : { [host]: { auth } };
        writeFileSync(config, JSON.stringify({ auths }));
        const open = (name: string): Repository =>
          new Registry(host, {
            allowedRealms,
            ...(guard.auth === undefined ? {} : {
              credentials: staticCredentials(host, {
                kind: "basic",
                username: USER,
                password: PASSWORD,
              }),
            }),
            transport: async (request) => {
              const { method, url } = request;
              const response = await transport(request);
              const { pathname, search } = new URL(url);
              sent.push(`${method} ${pathname}${search} -> ${response.status}`);
              return response;
            },
          }).repository(name);
        await work({ host, folder, config, open, age, sent, keepTokens });
      }, guard.auth);
    } finally {
      await guard.close();
    }
  });
}

/** Every manifest and blob below a name, by digest, as lading reads it. */
async function contentOf(
  repository: Repository,
  reference: string,
): Promise<Map<string, Uint8Array>> {
  const found = new Map<string, Uint8Array>();
  for await (const { descriptor } of walk(repository, await repository.resolve(reference))) {
    found.set(descriptor.digest, await readAllBytes(await repository.fetch(descriptor)));
  }
  return found;
}

const skip = missing("docker-registry", "htpasswd", "openssl");

for (const name of Object.keys(GUARDS)) {
  test(
    `${name}: push, copy, mount, referrers, tag, untag and delete work`,
    { skip },
    () =>
      withBench(name, async ({ open, age, sent }) => {
        const index = await randomIndex("judges");
        const store = memoryStore();
        await index.pushTo(store, "1");
        const { digest } = index.descriptor;

        const repository = open("acme/app");
        const pushed = await copy(store, "1", repository);
        assert.equal(pushed.descriptor.digest, digest);
        assert.equal(pushed.manifests, 1 + index.images.length, "the index with all its children");
        await age();
        assert.deepEqual((await validate(repository, "1")).problems, []);
        await age();

        // Without a mount: out of one repository, into another.
        const copied = await copy(open("acme/app"), "1", open("acme/copied"), {
          targetReference: "2",
          mountFrom: false,
        });
        assert.equal(copied.bytesMounted, 0);
        assert.equal((await open("acme/copied").resolve("2")).digest, digest);
        await age();

        sent.length = 0;
        const mounted = await copy(repository, "1", open("acme/mounted"));
        assert.equal(mounted.descriptor.digest, digest);
        assert.ok(mounted.bytesMounted > 0);
        const uploads = sent.filter((line) => / \/v2\/acme\/mounted\/blobs\/uploads\//.test(line));
        assert.ok(
          uploads.every((line) => /^POST .*[?&]mount=.* -> (201|401)$/.test(line)),
          uploads.join("\n"),
        );
        await age();

        const sbom = await pushArtifact(repository, [{ content: CONTENT, title: "sbom" }], {
          artifactType: "application/spdx+json",
          subject: index.descriptor,
        });
        await age();
        const along = await copy(repository, "1", open("acme/signed"), { referrers: true });
        assert.deepEqual(along.referrers.map(({ digest }) => digest), [sbom.digest]);
        const found = await collect(open("acme/signed").referrers(index.descriptor));
        assert.deepEqual(found.map(({ digest }) => digest), [sbom.digest]);
        await age();

        await repository.tag(index.descriptor, "again");
        await age();
        await repository.untag("1");
        assert.equal((await repository.resolve("again")).digest, digest);
        await age();
        await repository.delete(index.descriptor);
        await assert.rejects(repository.resolve("again"), { code: "NOT_FOUND" });
        const [layer] = index.images[0]?.layers ?? [];
        assert.ok(layer !== undefined);
        await age();
        await repository.delete(layer.descriptor);
        assert.equal(await repository.exists(layer.descriptor), false);
        assert.equal(await open("acme/copied").exists(layer.descriptor), true, "only there");
      }),
  );

  test(
    `${name}: an upload that was left is resumed by another client`,
    { skip },
    () =>
      withBench(name, async ({ open, age, sent }) => {
        const upload = await open("acme/app").startUpload({ chunkBytes: CHUNK_BYTES });
        await upload.append(CONTENT.subarray(0, 3 * CHUNK_BYTES + 1));
        const state = JSON.parse(JSON.stringify(upload.state()));
        assert.equal(upload.offset, 3 * CHUNK_BYTES);
        await age();
        sent.length = 0;
        const later = await open("acme/app").resumeUpload(state, { chunkBytes: CHUNK_BYTES });
        assert.equal(later.offset, 3 * CHUNK_BYTES);
        for (let at = later.offset; at < CONTENT.byteLength; at += 2 * CHUNK_BYTES) {
          await later.append(CONTENT.subarray(at, at + 2 * CHUNK_BYTES));
          await age();
        }
        assert.equal((await later.finish()).digest, BLOB.digest);
        const chunks = sent.filter((line) => /^PATCH .* -> 202$/.test(line));
        assert.equal(chunks.length, CONTENT.byteLength / CHUNK_BYTES - 3, "each chunk once");
        assert.deepEqual(await readAllBytes(await open("acme/app").fetch(BLOB)), CONTENT);

        // By push(), from the state that the one before has kept.
        let kept: UploadState | undefined;
        const other = { ...BLOB, digest: digestBytes("sha512", CONTENT) };
        const stop = new AbortController();
        const cut = open("acme/app").push(other, CONTENT, {
          signal: stop.signal,
          upload: {
            chunkBytes: CHUNK_BYTES,
            onState: (state) => {
              kept = JSON.parse(JSON.stringify(state));
              if (state.offset >= 2 * CHUNK_BYTES) stop.abort(new Error("cut"));
            },
          },
        });
        await assert.rejects(cut, /cut/);
        await age();
        sent.length = 0;
        await open("acme/app").push(other, CONTENT, {
          upload: { chunkBytes: CHUNK_BYTES, state: kept },
        });
        const rest = sent.filter((line) => /^PATCH .* -> 202$/.test(line));
        assert.equal(rest.length, CONTENT.byteLength / CHUNK_BYTES - 2);
        assert.deepEqual(await readAllBytes(await open("acme/app").fetch(other)), CONTENT);
      }),
  );
}

/** The files of a `dir:` that skopeo wrote, by digest. */
function filesOf(dir: string): Map<string, Uint8Array> {
  return new Map(
    readdirSync(dir).filter((name) => name !== "version").map((name) => {
      const bytes = new Uint8Array(readFileSync(join(dir, name)));
      return [digestBytes("sha256", bytes), bytes];
    }),
  );
}

const skipJudges = noDockerEngine("docker-registry", "htpasswd", "openssl", "skopeo", "podman");

test(
  "skopeo, podman and the Docker engine read what lading pushes, and it reads what they push",
  { skip: skipJudges },
  () =>
    inScratch((scratch) =>
      withDockerEngine(join(scratch, "engine"), async ({ env }) => {
        for (const name of Object.keys(GUARDS)) {
          await withBench(name, (bench) => judge(bench, env));
        }
      })
    ),
);

async function judge(
  { host, folder, config, open, keepTokens }: Bench,
  env: Readonly<Record<string, string>>,
): Promise<void> {
  keepTokens();
  const place = (name: string) => `docker://${host}/${name}`;
  const storage = [
    ...["--root", join(folder, "root"), "--runroot", join(folder, "run")],
    ...["--storage-driver", "vfs"],
  ];
  const podman = async (verb: string, ...args: string[]) =>
    (await mustRun("podman", [...storage, verb, ...args])).stdout.trim();
  const remote = ["--quiet", "--tls-verify=false", "--authfile", config];
  const docker = async (...args: string[]) =>
    (await mustRun("docker", ["--config", join(folder, "login"), ...args], { env })).stdout.trim();
  const skopeoCopy = (...args: string[]) =>
    mustRun("skopeo", [
      ...["copy", "--quiet", "--authfile", config, "--insecure-policy"],
      ...["--src-tls-verify=false", "--dest-tls-verify=false", ...args],
    ]);

  /** What skopeo reads of an image is what lading reads, byte for byte. */
  const assertSameBytes = async (name: string, tag: string, digest?: string): Promise<void> => {
    const dir = join(folder, `dir-${name}-${tag}`.replaceAll("/", "-"));
    await skopeoCopy("--preserve-digests", place(`${name}:${tag}`), `dir:${dir}`);
    const ours = await contentOf(open(name), tag);
    assert.deepEqual([...ours.keys()].sort(), [...filesOf(dir).keys()].sort(), `${name}:${tag}`);
    for (const [digest, bytes] of filesOf(dir)) assert.deepEqual(ours.get(digest), bytes);
    if (digest !== undefined) assert.ok(ours.has(digest), `${name}:${tag} is ${digest}`);
    assert.deepEqual((await validate(open(name), tag)).problems, []);
  };

  // What lading pushes.
  for (const format of ["docker", "oci"] as const) {
    const image = await randomImage(`read ${format}`, { format, layers: 2 });
    await image.pushTo(open("lading/app"), format);
    const { digest } = image.descriptor;
    const id = image.manifest.config.digest;
    const named = `${host}/lading/app:${format}`;
    await assertSameBytes("lading/app", format, digest);
    const inspected = await mustRun("skopeo", [
      ...["inspect", "--tls-verify=false", "--authfile", config, `docker://${named}`],
    ]);
    assert.equal(JSON.parse(inspected.stdout).Digest, digest);
    assert.equal(`sha256:${await podman("pull", ...remote, `docker://${named}`)}`, id);
    assert.equal(await podman("image", "inspect", "-f", "{{.Digest}}", named), digest);
    await docker("pull", "--quiet", named);
    const facts = JSON.parse(await docker("image", "inspect", named))[0];
    assert.equal(facts.Id, id, "the engine has unpacked it");
    assert.ok(facts.RepoDigests.includes(`${host}/lading/app@${digest}`), named);
    await docker("pull", "--quiet", `${host}/lading/app@${digest}`);
  }
  const index = await randomIndex("read index");
  await index.pushTo(open("lading/index"), "1");
  await docker("pull", "--quiet", `${host}/lading/index:1`);
  const layout = join(folder, "index");
  await skopeoCopy("--all", "--preserve-digests", place("lading/index:1"), `oci:${layout}:1`);
  const again = await ociLayout(nodeFileSystem(), layout).resolve("1");
  assert.equal(again.digest, index.descriptor.digest);

  // What lading converts.
  for (
    const [format, type] of [["docker", "docker.distribution.manifest.list.v2"], [
      "oci",
      "oci.image.index.v1",
    ]] as const
  ) {
    const other = await randomIndex(`convert to ${format}`, {
      format: format === "oci" ? "docker" : "oci",
    });
    await other.pushTo(open("lading/other"), format);
    const target = open("lading/converted");
    const { descriptor } = await copy(open("lading/other"), format, target, { format });
    assert.equal(descriptor.mediaType, `application/vnd.${type}+json`);
    const converted = join(folder, `converted-${format}`);
    await skopeoCopy(
      "--all",
      "--preserve-digests",
      place(`lading/converted:${format}`),
      `dir:${converted}`,
    );
    assert.ok(filesOf(converted).has(descriptor.digest));
    assert.deepEqual((await validate(target, format)).problems, []);
    await docker("pull", "--quiet", `${host}/lading/converted@${descriptor.digest}`);
  }

  // What others push.
  const files = join(folder, "files");
  mkdirSync(files);
  writeFileSync(join(files, "hello"), `hello ${host}\n`);
  writeFileSync(join(files, "noise"), CONTENT);
  const tar = join(folder, "root.tar");
  await mustRun("tar", ["-C", files, "-cf", tar, "."]);
  const imported = `${host}/docker/app:1`;
  await docker("import", tar, imported);
  const said = await docker("push", imported);
  const [, byDocker] = /digest: (sha256:[0-9a-f]{64})/.exec(said) ?? [];
  assert.ok(byDocker !== undefined, said);
  assert.equal((await open("docker/app").resolve("1")).digest, byDocker);
  await assertSameBytes("docker/app", "1", byDocker);

  const podmanName = "localhost/made:1";
  await podman("import", "--quiet", tar, podmanName);
  for (const format of ["oci", "v2s2"]) {
    const file = join(folder, `digest-${format}`);
    const to = place(`podman/app:${format}`);
    await podman("push", ...remote, "--format", format, "--digestfile", file, podmanName, to);
    await assertSameBytes("podman/app", format, readFileSync(file, "utf8").trim());
  }

  await skopeoCopy("--all", `oci:${layout}:1`, place("skopeo/index:1"));
  assert.equal((await open("skopeo/index").resolve("1")).digest, index.descriptor.digest);
  const target = memoryStore();
  await copy(open("skopeo/index"), "1", target);
  for (const { descriptor, bytes } of index.contents) {
    assert.deepEqual(await readAllBytes(await target.fetch(descriptor)), bytes);
  }
}
