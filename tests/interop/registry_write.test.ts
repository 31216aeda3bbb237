// Writing to a real registry: delete, untag, mount, and what skopeo sees of it.
import { test } from "node:test";
import assert from "node:assert/strict";
import { copy } from "../../mod.ts";
import { copy as copyAny } from "../../lib/ops/mod.ts";
import { Registry } from "../../lib/registry/mod.ts";
import { hostTransport } from "../../lib/runtime/host_transport.ts";
import { memoryStore } from "../../lib/store/mod.ts";
import { randomIndex } from "../../lib/testing/mod.ts";
import { withDockerRegistry } from "../support/docker_registry.ts";
import { inScratch, missing, mustRun, run } from "../support/program.ts";

const skip = missing("docker-registry", "skopeo");

async function withImage(
  work: (registry: Registry, host: string, digest: string) => Promise<void>,
): Promise<void> {
  await inScratch((folder) =>
    withDockerRegistry(folder, async (host) => {
      const registry = new Registry(host, { transport: hostTransport() });
      const index = await randomIndex("write");
      await index.pushTo(registry.repository("acme/app"), "1");
      await work(registry, host, index.descriptor.digest);
    })
  );
}

const skopeo = (host: string, name: string) =>
  run("skopeo", ["inspect", "--raw", "--tls-verify=false", `docker://${host}/${name}`]);

test(
  "what is copied within a real registry is mounted, and skopeo reads it",
  { skip },
  async () => {
    await withImage(async (registry, host, digest) => {
      const result = await copy(`${host}/acme/app:1`, `${host}/acme/copied:2`);
      assert.equal(result.descriptor.digest, digest);
      assert.ok(result.bytesMounted > 0);
      const mounted = await registry.repository("acme/copied").manifest("2");
      assert.equal(mounted.descriptor.digest, digest);
      const dir = ["--all", "--src-tls-verify=false", `docker://${host}/acme/copied:2`];
      await inScratch((folder) => mustRun("skopeo", ["copy", "--quiet", ...dir, `dir:${folder}`]));
    });
  },
);

test(
  "what a real registry does not mount goes to the uploads that it opens instead",
  { skip },
  () =>
    inScratch((folder) =>
      withDockerRegistry(folder, async (host) => {
        const requests: string[] = [];
        const send = hostTransport();
        const transport = (request: Request) => {
          requests.push(`${request.method} ${new URL(request.url).pathname}`);
          return send(request);
        };
        const registry = new Registry(host, { transport });
        const index = await randomIndex("unmounted");
        const store = memoryStore();
        await index.pushTo(store, "1");
        const target = registry.repository("acme/copied");
        const { blobs } = await copyAny(store, "1", target, { mountFrom: "acme/none" });
        assert.equal((await target.resolve("1")).digest, index.descriptor.digest);
        const methods = requests.filter((line) => line.includes("/blobs/uploads/"))
          .map((line) => line.slice(0, line.indexOf(" ")));
        assert.equal(methods.filter((method) => method === "POST").length, blobs);
        assert.equal(methods.filter((method) => method === "PUT").length, blobs);
        assert.equal(methods.length, 2 * blobs);
      })
    ),
);

test("untag() leaves the image and its other tags in distribution 2.8", { skip }, async () => {
  await withImage(async (registry, host, digest) => {
    const repository = registry.repository("acme/app");
    await repository.tag(await repository.resolve("1"), "2");
    await repository.untag("1");
    assert.notEqual((await skopeo(host, "acme/app:1")).code, 0);
    assert.equal((await skopeo(host, "acme/app:2")).code, 0);
    assert.equal((await repository.resolve("2")).digest, digest);
    await assert.rejects(repository.untag("1"), { code: "NOT_FOUND" });
  });
});

test("delete() takes a manifest with its tags, and blobs", { skip }, async () => {
  await withImage(async (registry, host) => {
    const repository = registry.repository("acme/app");
    const index = await repository.manifest("1");
    assert.ok(index.parsed.kind === "index");
    const [child] = index.parsed.value.manifests;
    assert.ok(child !== undefined);
    const image = await repository.manifest(child.digest);
    assert.ok(image.parsed.kind === "image");
    await repository.delete(index.descriptor);
    assert.notEqual((await skopeo(host, "acme/app:1")).code, 0);
    await repository.delete(index.descriptor);
    const [layer] = image.parsed.value.layers;
    assert.ok(layer !== undefined);
    await repository.delete(layer);
    assert.equal(await repository.exists(layer), false);
  });
});
