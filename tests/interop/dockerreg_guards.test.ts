// Looking after real registries that want to know who is there, each in its own way.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import assert from "node:assert/strict";
import { DockerRegistry, type DockerRegistryOptions } from "../../lib/dockerreg/mod.ts";
import { AuthenticationError } from "../../lib/model/errors.ts";
import { validate } from "../../lib/ops/mod.ts";
import { Registry, staticCredentials, StoredTokenCache } from "../../lib/registry/mod.ts";
import { hostTransport } from "../../lib/runtime/host_transport.ts";
import { nodeFileSystem } from "../../lib/runtime/node_file_system.ts";
import { randomIndex } from "../../lib/testing/mod.ts";
import { withDockerRegistry } from "../support/docker_registry.ts";
import { inScratch, missing, mustRun } from "../support/program.ts";
import { startTokenServer, type TokenServer } from "../support/token_server.ts";

const skip = missing("docker-registry", "htpasswd", "openssl");

const SOURCE = { username: "reader", password: "canary-source" };
const TARGET = { username: "writer", password: "canary-target" };
const PLATFORM = { os: "linux", architecture: "amd64" };

interface Bench {
  readonly folder: string;
  /** A registry with htpasswd, and one whose tokens end after two seconds. */
  readonly source: string;
  readonly target: string;
  readonly tokens: TokenServer;
}

async function withBench(work: (bench: Bench) => Promise<void>): Promise<void> {
  await inScratch(async (folder) => {
    const [one, two] = [join(folder, "source"), join(folder, "target")];
    for (const path of [one, two]) mkdirSync(path);
    const path = join(one, "htpasswd");
    const { username, password } = SOURCE;
    writeFileSync(path, (await mustRun("htpasswd", ["-nbB", username, password])).stdout);
    const user = { password: TARGET.password, actions: ["pull", "push", "delete"] };
    const tokens = await startTokenServer(two, "ES256", new Map([[TARGET.username, user]]));
    // Distribution 2.8 takes tokens a minute longer.
    tokens.lifetimeSeconds = 2 - 60;
    try {
      await withDockerRegistry(
        one,
        (source) =>
          withDockerRegistry(
            two,
            (target) => work({ folder, source, target, tokens }),
            tokens.auth,
          ),
        { htpasswd: { realm: "source", path } },
      );
    } finally {
      await tokens.close();
    }
  });
}

const as = (host: string, who: { readonly username: string; readonly password: string }) =>
  staticCredentials(host, { kind: "basic", ...who });

/** Waits until tokens have ended. */
const age = () => new Promise((resolve) => setTimeout(resolve, 3200));

test(
  "images go from a registry with htpasswd to one with tokens, each with its own credentials",
  { skip },
  () =>
    withBench(async ({ folder, source, target, tokens }) => {
      const transport = hostTransport();
      const index = await randomIndex("guards", { format: "docker" });
      const from = new Registry(source, { transport, credentials: as(source, SOURCE) });
      await index.pushTo(from.repository("acme/app"), "1");
      const own: DockerRegistryOptions = {
        transport,
        platform: PLATFORM,
        files: nodeFileSystem(),
      };
      const registry = new DockerRegistry(source, { ...own, credentials: as(source, SOURCE) });
      const destination = {
        registry: target,
        credentials: as(target, TARGET),
        options: { allowedRealms: [tokens.origin] },
      };

      // Directly, through files, and all platforms at once.
      await registry.pullAndPush("acme/app", "1", { ...destination, tag: "direct" });
      await age();
      const cache = join(folder, "cache");
      await registry.pullAndPush("acme/app", "1", { ...destination, tag: "cached" }, { cache });
      await age();
      const how = { platform: "all" } as const;
      await registry.pullAndPush("acme/app", "1", { ...destination, tag: "all" }, how);
      await age();

      const options = { ...own, allowedRealms: [tokens.origin], credentials: as(target, TARGET) };
      const there = new DockerRegistry(target, options);
      assert.equal(await there.ping(), true);
      const [amd] = index.images;
      const digests = (await there.repository("acme/app").tagsWithMetadata())
        .map(({ reference, digest }) => `${reference} ${digest}`);
      const image = amd?.descriptor.digest;
      assert.deepEqual(
        digests.sort(),
        [`all ${index.descriptor.digest}`, `cached ${image}`, `direct ${image}`],
      );
      for (const tag of ["all", "cached", "direct"]) {
        assert.deepEqual(await there.checkImage("acme/app", tag), []);
        await age();
      }
      await there.deleteTag("acme/app", "cached");
      await age();
      const { kept } = await there.deleteImage("acme/app", "direct", { layers: true });
      assert.deepEqual(kept, [image], "the list needs it");
      const reader = new Registry(target, options).repository("acme/app");
      assert.deepEqual((await validate(reader, "all")).problems, []);
      await age();
      const { deleted } = await there.deleteImage("acme/app", "all", { layers: true });
      assert.ok(deleted.includes(index.descriptor.digest));
    }),
);

test("a wrong password is false for ping(), and an error for all else that has none in it", {
  skip,
}, () =>
  withBench(async ({ source, target, tokens }) => {
    const wrong = { username: "nobody", password: "canary-wrong" };
    for (const host of [source, target]) {
      const registry = new DockerRegistry(host, {
        transport: hostTransport(),
        credentials: as(host, wrong),
        allowedRealms: [tokens.origin],
      });
      assert.equal(await registry.ping(), false);
      const error = await registry.checkImage("acme/app", "1").catch((error: unknown) => error);
      assert.ok(error instanceof AuthenticationError, String(error));
      assert.doesNotMatch(`${error.stack} ${JSON.stringify(error)}`, /canary|Y2FuYXJ5/);
    }
  }));

test("tokens that are stored serve the next process, and are replaced when they have ended", {
  skip,
}, () =>
  withBench(async ({ target, tokens }) => {
    const open = (cache: StoredTokenCache) =>
      new DockerRegistry(target, {
        transport: hostTransport(),
        credentials: as(target, TARGET),
        allowedRealms: [tokens.origin],
        tokens: cache,
      });
    const first = new StoredTokenCache();
    await randomIndex("stored").then((index) =>
      index.pushTo(
        new Registry(target, {
          transport: hostTransport(),
          credentials: as(target, TARGET),
          allowedRealms: [tokens.origin],
          tokens: first,
        }).repository("acme/app"),
        "1",
      )
    );
    const text = JSON.stringify(first.state());
    assert.doesNotMatch(text, /canary/);
    for (const isOld of [false, true]) {
      if (isOld) await age();
      tokens.issued.length = 0;
      const next = open(new StoredTokenCache(JSON.parse(text)));
      assert.deepEqual(await next.repository("acme/app").tags(), ["1"]);
      const scoped = tokens.issued.filter(({ scopes }) => scopes.length > 0);
      assert.equal(scoped.length, isOld ? 1 : 0, JSON.stringify(scoped));
    }
  }));
