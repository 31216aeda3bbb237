// Looking after a real registry: distribution 2, which makes manifests of schema 1 out of others.
import { readdirSync } from "node:fs";
import { test } from "node:test";
import assert from "node:assert/strict";
import { join } from "node:path";
import process from "node:process";
import { DockerRegistry, generateSigningKey, ManifestV21 } from "../../lib/dockerreg/mod.ts";
import { validate } from "../../lib/ops/mod.ts";
import { Registry } from "../../lib/registry/mod.ts";
import { hostTransport } from "../../lib/runtime/host_transport.ts";
import { nodeFileSystem } from "../../lib/runtime/node_file_system.ts";
import { randomImage, randomIndex } from "../../lib/testing/mod.ts";
import { withDockerRegistry } from "../support/docker_registry.ts";
import { inScratch, missing, run } from "../support/program.ts";

const skip = missing("docker-registry", "skopeo");
const PLATFORM = { os: "linux", architecture: "amd64" };

interface Bench {
  readonly host: string;
  readonly folder: string;
  readonly registry: DockerRegistry;
}

async function withRegistry(work: (bench: Bench) => Promise<void>): Promise<void> {
  // Distribution takes manifests of schema 1 only when it is told to.
  process.env["REGISTRY_COMPATIBILITY_SCHEMA1_ENABLED"] = "true";
  await inScratch((folder) =>
    withDockerRegistry(folder, async (host) => {
      const options = { transport: hostTransport(), platform: PLATFORM, files: nodeFileSystem() };
      await work({ host, folder, registry: new DockerRegistry(host, options) });
    })
  );
}

const inspect = (host: string, name: string) =>
  run("skopeo", ["inspect", "--raw", "--tls-verify=false", `docker://${host}/${name}`]);

/** The manifest of schema 1 that the registry makes of a Docker image for old clients. */
async function schema1Of(host: string, name: string, tag: string): Promise<ManifestV21> {
  const response = await fetch(`http://${host}/v2/${name}/manifests/${tag}`);
  return new ManifestV21(new Uint8Array(await response.arrayBuffer()));
}

test(
  "lesson 51: an image in a real registry is looked at, copied, cached, tagged and deleted",
  { skip },
  async () => {
    await withRegistry(async ({ host, folder, registry }) => {
      const index = await randomIndex("dockerreg", { format: "docker" });
      const repository = new Registry(host, { transport: hostTransport() }).repository("acme/app");
      await index.pushTo(repository, "1");
      assert.equal(await registry.ping(), true);
      assert.deepEqual(await registry.namespaces(), ["acme"]);
      assert.deepEqual(await registry.checkImage("acme/app", "1"), []);
      const [amd] = index.images;
      assert.ok(amd !== undefined);
      const size = amd.layers.reduce((sum, { descriptor }) => sum + descriptor.size, 0);
      assert.equal(await registry.size("acme/app", "1"), size);
      assert.equal(await registry.created("acme/app", "1"), "1970-01-01T00:00:00Z");
      assert.equal(
        (await registry.metadata("acme/app", "1")).reference.digest,
        index.descriptor.digest,
      );

      const cache = join(folder, "app");
      await registry.pullImage("acme/app", "1", { cache });
      const files = readdirSync(folder).filter((name) => name.startsWith("app."));
      assert.equal(files.length, 2 + amd.layers.length);
      await registry.pushImage("beta/app", "2", { cache });
      assert.equal((await inspect(host, "beta/app:2")).code, 0);

      await registry.pullAndPush("acme/app", "1", { repository: "gamma/app" }, { platform: "all" });
      const platform = { architecture: "arm64" };
      assert.deepEqual(await registry.checkImage("gamma/app", "1", { platform }), []);
      await registry.tagImage("acme/app", "1", "arm", { platform });
      const arm = index.images[1]?.descriptor.digest;
      assert.equal((await registry.repository("acme/app").referenceMetadata("arm")).digest, arm);

      // Deleting the list keeps the image that has a tag of its own.
      const { kept, deleted } = await registry.deleteImage("acme/app", "1", { layers: true });
      assert.ok(kept.includes(arm ?? ""));
      assert.ok(deleted.includes(amd.descriptor.digest));
      assert.notEqual((await inspect(host, "acme/app:1")).code, 0);
      assert.deepEqual((await validate(repository, "arm")).problems, []);
      await registry.deleteTag("acme/app", "arm");
      assert.notEqual((await inspect(host, "acme/app:arm")).code, 0);
    });
  },
);

test(
  "schema 1 of a real registry is verified, and taken when it was signed here",
  { skip },
  async () => {
    await withRegistry(async ({ host, registry }) => {
      const image = await randomImage("schema1", { format: "docker" });
      const raw = new Registry(host, { transport: hostTransport() });
      await image.pushTo(raw.repository("acme/app"), "1");
      const served = await schema1Of(host, "acme/app", "1");
      assert.equal(await served.verify(), true);
      const renamed = await served.modify({ repository: "acme/old", tag: "s1" });
      const { mediaType, digest } = renamed;
      const descriptor = { mediaType, digest, size: renamed.raw.byteLength };
      const old = raw.repository("acme/old");
      for (const layer of image.layers) assert.ok(await old.mount(layer.descriptor, "acme/app"));
      // The empty layer comes with the conversion.
      for (const { blobSum } of renamed.layers) {
        const blob = await raw.repository("acme/app").resolveBlob(blobSum);
        assert.ok(await old.exists(blob) || await old.mount(blob, "acme/app"));
      }
      await old.push(descriptor, renamed.raw);
      await old.tag(descriptor, "s1");

      assert.deepEqual(await registry.checkImage("acme/old", "s1"), []);
      const report = await validate(old, "s1");
      assert.deepEqual(report.problems, []);
      assert.ok(report.stats.blobs > 1 && report.stats.bytes > 0, "its blobs were read");
      const facts = (await registry.metadata("acme/old", "s1")).image;
      assert.equal(facts.version, "v2.1");
      assert.ok(facts.size > 0);
      const algorithms = ["ES256", "ES384", "ES512", "RS256", "RS384", "RS512"] as const;
      for (const algorithm of algorithms) {
        const tag = algorithm.toLowerCase();
        const key = await generateSigningKey(algorithm);
        const { raw: body, mediaType } = await renamed.modify({ tag, key });
        const headers = { "content-type": mediaType };
        const url = `http://${host}/v2/acme/old/manifests/${tag}`;
        const response = await fetch(url, { method: "PUT", headers, body });
        assert.equal(response.status, 201, `${algorithm}: ${await response.text()}`);
      }
      await registry.tagImage("acme/old", "s1", "s2");
      const tagged = await schema1Of(host, "acme/old", "s2");
      assert.equal(tagged.value.tag, "s2");
      assert.equal(await tagged.verify(), true);
      assert.equal((await inspect(host, "acme/old:s2")).code, 0);

      const pushed = await registry.pullAndPush("acme/old", "s1", { tag: "oci" }, {
        convert: true,
      });
      assert.equal(pushed.mediaType, "application/vnd.oci.image.manifest.v1+json");
      assert.deepEqual((await validate(old, "oci")).problems, []);
      const target = { repository: "acme/copy", tag: "s3" };
      await registry.pullAndPush("acme/old", "s1", target);
      assert.deepEqual(await registry.checkImage("acme/copy", "s3"), []);
    });
  },
);

test(
  "a signed manifest that was changed is refused by the registry and here",
  { skip },
  async () => {
    await withRegistry(async ({ host }) => {
      const image = await randomImage("forged", { format: "docker" });
      await image.pushTo(
        new Registry(host, { transport: hostTransport() }).repository("acme/app"),
        "1",
      );
      const { raw, mediaType } = await schema1Of(host, "acme/app", "1");
      const forged = new TextEncoder().encode(
        new TextDecoder().decode(raw).replace('"acme/app"', '"evil/app"'),
      );
      await assert.rejects(new ManifestV21(forged).verify(), { code: "SIGNATURE_INVALID" });
      const response = await fetch(`http://${host}/v2/acme/app/manifests/2`, {
        method: "PUT",
        headers: { "content-type": mediaType },
        body: forged,
      });
      assert.equal(response.status, 400);
      assert.match(await response.text(), /MANIFEST_UNVERIFIED|MANIFEST_INVALID/);
    });
  },
);
