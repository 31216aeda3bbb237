/** The content of the conformance suite over real sockets and a real disk. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import assert from "node:assert/strict";
import { copy } from "../../mod.ts";
import { Registry } from "../../lib/registry/mod.ts";
import { hostTransport } from "../../lib/runtime/host_transport.ts";
import { nodeFileSystem } from "../../lib/runtime/node_file_system.ts";
import { serve } from "../../lib/runtime/serve.ts";
import type { RunningServer } from "../../lib/runtime/running_server.ts";
import { registryHandler } from "../../lib/server/mod.ts";
import { memoryStore, ociLayout } from "../../lib/store/mod.ts";
import { assertHas, copyKind, type Kind, KIND_NAMES, makeKind, pushKind } from "./content_set.ts";

const WHOLE = KIND_NAMES.filter((name) => name !== "bad-digest-image" && name !== "sparse");

/** The repository of a kind in a registry of this machine. */
function repositoryAt(server: RunningServer, { name }: Kind) {
  const registry = new Registry(`127.0.0.1:${server.port}`, { transport: hostTransport() });
  return registry.repository(`acme/${name}`);
}

async function withRegistries(
  work: (first: RunningServer, second: RunningServer, folder: string) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "lading-content-"));
  const first = await serve(registryHandler(memoryStore()));
  const second = await serve(registryHandler(memoryStore(), { allowSparse: true }));
  try {
    await work(first, second, folder);
  } finally {
    await first.close();
    await second.close();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

test(`${WHOLE.length} kinds of content are the same from registry to registry, and through a layout`, () =>
  withRegistries(async (first, second, folder) => {
    const failed: string[] = [];
    for (const name of WHOLE) {
      const kind = await makeKind(name);
      const [from, to] = [repositoryAt(first, kind), repositoryAt(second, kind)];
      try {
        await pushKind(kind, from);
        await assertHas(kind, from, "pushed");
        await copyKind(kind, from, to);
        await assertHas(kind, to, "registry to registry");
        const layout = ociLayout(nodeFileSystem(), join(folder, name));
        await copyKind(kind, to, layout);
        await assertHas(kind, layout, "registry to layout");
        const back = repositoryAt(first, { ...kind, name: `${name}/back` });
        await copyKind(kind, layout, back);
        await assertHas(kind, back, "layout to registry");
      } catch (error) {
        failed.push(`${name}: ${String(error)}`);
      }
    }
    assert.deepEqual(failed, []);
  }));

test("names of kinds are copied by copy(), which is told places", () =>
  withRegistries(async (first, second, folder) => {
    for (const name of ["nested-index", "data-field", "empty-blob"]) {
      const kind = await makeKind(name);
      await pushKind(kind, repositoryAt(first, kind));
      const [[reference] = []] = kind.roots;
      const layout = `oci:${join(folder, name)}:${reference}`;
      await copy(`127.0.0.1:${first.port}/acme/${name}:${reference}`, layout);
      await copy(layout, `127.0.0.1:${second.port}/acme/${name}:${reference}`);
      await assertHas(kind, repositoryAt(second, kind), "through a layout");
    }
  }));

test("sparse manifests are pushed and pulled as they are; a copy of them names what is not there", () =>
  withRegistries(async (first, second) => {
    const kind = await makeKind("sparse");
    const from = repositoryAt(second, kind);
    await pushKind(kind, from);
    await assertHas(kind, from, "pushed");
    for (const reference of kind.roots.keys()) {
      await assert.rejects(
        copyKind(
          {
            ...kind,
            roots: new Map([...kind.roots].filter(([name]) => name === reference)),
          },
          from,
          repositoryAt(first, kind),
        ),
        { code: "NOT_FOUND" },
      );
    }
  }));

test("a manifest of another digest than it is pushed under is refused", () =>
  withRegistries(async (first) => {
    const kind = await makeKind("bad-digest-image");
    const target = repositoryAt(first, kind);
    await assert.rejects(pushKind(kind, target), { code: "SIZE_MISMATCH" });
    const [manifest] = kind.contents.slice(-1);
    assert.ok(manifest !== undefined);
    const { descriptor, bytes } = manifest;
    await assert.rejects(
      target.push({ ...descriptor, size: bytes.byteLength }, bytes),
      { code: "DIGEST_MISMATCH" },
    );
    await assert.rejects(target.resolve(descriptor.digest), { code: "NOT_FOUND" });
  }));
