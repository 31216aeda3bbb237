// The content of the conformance suite, in the registry of the distribution project.
import { join } from "node:path";
import { test } from "node:test";
import assert from "node:assert/strict";
import { RegistryError } from "../../lib/model/errors.ts";
import { Registry } from "../../lib/registry/mod.ts";
import { hostTransport } from "../../lib/runtime/host_transport.ts";
import { nodeFileSystem } from "../../lib/runtime/node_file_system.ts";
import { memoryStore, ociLayout } from "../../lib/store/mod.ts";
import {
  assertHas,
  copyKind,
  type Kind,
  KIND_NAMES,
  makeKind,
  pushKind,
} from "../runtimes/content_set.ts";
import { withDockerRegistry } from "../support/docker_registry.ts";
import { inScratch, missing, run } from "../support/program.ts";

const skip = missing("docker-registry", "skopeo");

/** Kinds that distribution 2.8 refuses, or keeps under another digest, and why. */
const REFUSED: ReadonlyMap<string, string> = new Map([
  ["sparse", "a manifest whose blobs or manifests are missing is refused"],
  ["bad-digest-image", "the client refuses it"],
  ["sha512", "manifests are kept under their SHA-256"],
  ["tag-param-sha512", "manifests are kept under their SHA-256"],
]);

const KEPT = KIND_NAMES.filter((name) => !REFUSED.has(name));

test(
  `docker-registry keeps ${KEPT.length} kinds of content as they are, copied there and back`,
  { skip },
  () =>
    inScratch((folder) =>
      withDockerRegistry(folder, async (host) => {
        const registry = new Registry(host, { transport: hostTransport(), retry: { baseMs: 1 } });
        const failed: string[] = [];
        for (const name of KEPT) {
          const kind = await makeKind(name);
          const repository = registry.repository(`pushed/${name}`);
          try {
            await pushKind(kind, repository);
            await assertHas(kind, repository, "pushed");
            const layout = ociLayout(nodeFileSystem(), join(folder, name));
            await copyKind(kind, repository, layout);
            await assertHas(kind, layout, "registry to layout");
            const copied = registry.repository(`copied/${name}`);
            await copyKind(kind, layout, copied);
            await assertHas(kind, copied, "layout to registry");
            const store = memoryStore();
            await copyKind(kind, copied, store);
            await assertHas(kind, store, "registry to memory");
            await assertSkopeoReads(kind, `${host}/copied/${name}`);
          } catch (error) {
            failed.push(`${name}: ${String(error)}`);
          }
        }
        assert.deepEqual(failed, []);
      })
    ),
);

/** skopeo sees the same bytes under each name. */
async function assertSkopeoReads(kind: Kind, name: string): Promise<void> {
  for (const [reference, root] of kind.roots) {
    const raw = kind.contents.find(({ descriptor }) => descriptor.digest === root.digest);
    const { code, stdout, stderr } = await run("skopeo", [
      ...["inspect", "--raw", "--tls-verify=false", `docker://${name}:${reference}`],
    ]);
    assert.equal(code, 0, stderr);
    // skopeo ends what it prints with the bytes as they are.
    assert.equal(stdout.trimEnd(), new TextDecoder().decode(raw?.bytes), `${name}:${reference}`);
  }
}

test("what docker-registry does not take is an error in its words, and names nothing", {
  skip,
}, () =>
  inScratch((folder) =>
    withDockerRegistry(folder, async (host) => {
      const registry = new Registry(host, { transport: hostTransport(), retry: { baseMs: 1 } });
      for (const name of REFUSED.keys()) {
        const kind = await makeKind(name);
        const repository = registry.repository(`refused/${name}`);
        const error = await pushKind(kind, repository).then(() => undefined, (error) => error);
        assert.ok(error instanceof Error, `${name} was taken`);
        if (name === "sparse") {
          assert.ok(error instanceof RegistryError, String(error));
          assert.match(error.message, /MANIFEST_BLOB_UNKNOWN/);
        }
        for (const reference of kind.roots.keys()) {
          await assert.rejects(repository.resolve(reference), { code: "NOT_FOUND" });
        }
      }
    })
  ));
