/** Mirrors on the command line: what is read there, and what never goes there. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import assert from "node:assert/strict";
import { memoryStore, openImage, registryHandler } from "../../mod.ts";
import { serve } from "../../lib/runtime/serve.ts";
import { randomImage } from "../../lib/testing/mod.ts";
import { lading, type Run } from "./lading_main.ts";

interface Bench {
  /** A registry with `acme/app:1`, and one that has it as `hub/acme/app:1` and `library/app:1`. */
  readonly registry: string;
  readonly mirror: string;
  readonly folder: string;
  readonly digest: string;
  /** What was asked of a host since the last time, without the questions whether it is a registry. */
  asked(host: string): string[];
  readonly authorizations: Map<string, Set<string>>;
}

async function withMirror(use: (bench: Bench) => Promise<void>): Promise<void> {
  const image = await randomImage("mirrored");
  const log = new Map<string, string[]>();
  const authorizations = new Map<string, Set<string>>();
  const start = async (...names: string[]) => {
    const store = memoryStore();
    for (const name of names) await image.pushTo(store, name);
    const handler = registryHandler(store);
    return await serve((request) => {
      const { host, pathname } = new URL(request.url);
      log.set(host, [...log.get(host) ?? [], `${request.method} ${pathname}`]);
      const sent = request.headers.get("authorization");
      if (sent !== null) {
        authorizations.set(host, (authorizations.get(host) ?? new Set()).add(sent));
      }
      return handler(request);
    });
  };
  const servers = [await start("acme/app:1"), await start("hub/acme/app:1", "library/app:1")];
  const [registry = "", mirror = ""] = servers.map(({ port }) => `127.0.0.1:${port}`);
  const folder = mkdtempSync(join(tmpdir(), "lading-cli-"));
  try {
    const asked = (host: string): string[] => {
      const seen = log.get(host) ?? [];
      log.delete(host);
      return seen.filter((line) => line !== "GET /v2/");
    };
    await use({ registry, mirror, folder, digest: image.descriptor.digest, asked, authorizations });
  } finally {
    rmSync(folder, { recursive: true, force: true });
    for (const server of servers) await server.close();
  }
}

async function withVariable(value: string, use: () => Promise<void>): Promise<void> {
  process.env["LADING_MIRRORS"] = value;
  try {
    await use();
  } finally {
    delete process.env["LADING_MIRRORS"];
  }
}

function assertDone({ code, errors }: Run): void {
  assert.equal(code, 0, errors);
}

test("--mirror: what the mirror has is read there, and the registry is not asked", () =>
  withMirror(async ({ registry, mirror, folder, digest, asked }) => {
    const option = ["--mirror", `${registry}=${mirror}/hub`];
    const image = `${registry}/acme/app:1`;
    assert.equal((await lading("digest", image, ...option)).out, `${digest}\n`);
    for (const command of ["inspect", "ls", "config", "manifest", "validate"]) {
      assertDone(await lading(command, image, ...option));
    }
    assertDone(await lading("pull", image, `oci:${folder}/app:1`, ...option));
    assertDone(await lading("copy", image, `oci:${folder}/copy:1`, ...option));
    assertDone(
      await lading("mutate", image, "--label", "a=b", "--to", `oci:${folder}/m:1`, ...option),
    );
    assertDone(await lading("export", image, "-o", join(folder, "app.tar"), ...option));
    assert.deepEqual(asked(registry), []);
    assert.ok(asked(mirror).length > 10);
    assertDone(await lading("validate", `oci:${folder}/app:1`));
  }));

test("--mirror without a registry is one of Docker Hub", () =>
  withMirror(async ({ mirror, digest }) => {
    const { out, errors } = await lading("digest", "app:1", "--mirror", mirror);
    assert.equal(out, `${digest}\n`, errors);
  }));

test("LADING_MIRRORS names mirrors for every command, --mirror others in their place", () =>
  withMirror(async ({ registry, mirror, asked }) => {
    await withVariable(`docker.io=other.invalid, ${registry}=${mirror}/hub`, async () => {
      assertDone(await lading("validate", `${registry}/acme/app:1`));
      assert.deepEqual(asked(registry), []);
      assert.ok(asked(mirror).length > 0);
      assertDone(await lading("validate", `${registry}/acme/app:1`, "--mirror", "other.invalid"));
      assert.deepEqual(asked(mirror), []);
    });
  }));

test("what goes into a mirrored registry arrives there, whatever its mirror has", () =>
  withMirror(async ({ registry, mirror, folder, asked }) => {
    assertDone(await lading("pull", `${registry}/acme/app:1`, `oci:${folder}/app:1`));
    await withVariable(`${registry}=${mirror}`, async () => {
      asked(mirror);
      // The mirror has every blob under this name; the registry has none.
      assertDone(await lading("push", `oci:${folder}/app:1`, `${registry}/hub/acme/app:1`));
      assertDone(await lading("tag", `${registry}/hub/acme/app:1`, "2"));
      assertDone(await lading("untag", `${registry}/hub/acme/app:2`));
      assertDone(await lading("tags", `${registry}/hub/acme/app`));
      assert.deepEqual(asked(mirror), []);
    });
    assertDone(await lading("validate", `${registry}/hub/acme/app:1`));
  }));

test("a mirror for digests alone is not asked what a tag stands for", () =>
  withMirror(async ({ registry, mirror, folder, asked }) => {
    const image = `${registry}/acme/app:1`;
    const pull = async (name: string, ...option: string[]): Promise<void> => {
      assertDone(await lading("pull", image, `oci:${folder}/${name}:1`, ...option));
      assert.ok(asked(registry).every((line) => line.endsWith(" /v2/acme/app/manifests/1")));
      const blobs = asked(mirror);
      assert.equal(blobs.length, 3);
      assert.ok(blobs.every((line) => line.includes("/v2/hub/acme/app/blobs/")), String(blobs));
    };
    await pull("option", "--mirror", `${registry}=${mirror}/hub@digests`);
    await withVariable(`${registry}=${mirror}/hub@digests`, () => pull("variable"));
  }));

test("a copy inside of a mirrored registry mounts what is there", () =>
  withMirror(async ({ registry, mirror, asked }) => {
    await withVariable(`${registry}=${mirror}/hub`, async () => {
      assertDone(await lading("copy", `${registry}/acme/app:1`, `${registry}/acme/copy:1`));
      assert.ok(asked(mirror).every((line) => line.includes("/manifests/")));
    });
    assertDone(await lading("validate", `${registry}/acme/copy:1`));
  }));

test("--creds are for the registry: no mirror is sent them", () =>
  withMirror(async ({ registry, mirror, authorizations }) => {
    const creds = ["--creds", "one:secret"];
    assertDone(
      await lading(
        "validate",
        `${registry}/acme/app:1`,
        "--mirror",
        `${registry}=${mirror}`,
        ...creds,
      ),
    );
    assert.equal(authorizations.get(mirror), undefined);
  }));

test("--debug shows which mirror was asked, and which one is left alone", () =>
  withMirror(async ({ registry, mirror, folder }) => {
    const gone = await serve(() => Promise.resolve(new Response("broken", { status: 500 })));
    const broken = `127.0.0.1:${gone.port}`;
    const mirrors = ["--mirror", `${registry}=${broken}`, "--mirror", `${registry}=${mirror}/hub`];
    try {
      const { code, errors } = await lading(
        "pull",
        `${registry}/acme/app:1`,
        `oci:${folder}/app:1`,
        "--debug",
        ...mirrors,
      );
      assert.equal(code, 0, errors);
      assert.match(errors, new RegExp(`${broken}: the mirror of ${registry} is left alone`));
      assert.match(
        errors,
        new RegExp(`GET http://${mirror}/v2/hub/acme/app/blobs/.*[?]ns=${registry}`),
      );
    } finally {
      await gone.close();
    }
  }));

test("a mirror that is none is refused as a mistake in the command", async () => {
  const { code, errors } = await lading("digest", "app:1", "--mirror", "not a host");
  assert.equal(code, 2, errors);
  assert.match(errors, /Cannot use "not a host" as a registry/);
  const wrong = await lading("digest", "app:1", "--mirror", "mirror.invalid@tag");
  assert.equal(wrong.code, 2, wrong.errors);
  const other = await lading("digest", "app:1", "--mirror", "__proto__=mirror.invalid");
  assert.match(other.errors, /Cannot use "__proto__" as a registry/);
});

test("openImage() gives mirrors credentials of their own, never those of the registry", () =>
  withMirror(async ({ registry, digest, asked }) => {
    const store = memoryStore();
    await (await randomImage("mirrored")).pushTo(store, "acme/app:1");
    const handler = registryHandler(store);
    const sent: (string | null)[] = [];
    const guarded = await serve((request) => {
      const authorization = request.headers.get("authorization");
      sent.push(authorization);
      if (authorization === `Basic ${btoa("mirror:secret")}`) return handler(request);
      const headers = { "www-authenticate": 'Basic realm="mirror"' };
      return Promise.resolve(new Response(null, { status: 401, headers }));
    });
    const basic = (username: string) => () =>
      Promise.resolve({ kind: "basic" as const, username, password: "secret" });
    try {
      const image = await openImage(`${registry}/acme/app:1`, {
        mirrors: { [registry]: [`127.0.0.1:${guarded.port}`] },
        credentials: basic("registry"),
        mirrorCredentials: basic("mirror"),
      });
      assert.equal((await image.descriptor()).digest, digest);
      await image.close();
      assert.deepEqual(asked(registry), []);
      assert.deepEqual(new Set(sent), new Set([null, `Basic ${btoa("mirror:secret")}`]));
    } finally {
      await guarded.close();
    }
  }));
