import { test } from "node:test";
import assert from "node:assert/strict";
import type { FileSystem, FileSystemReason } from "../../lib/store/mod.ts";
import { FileSystemError, memoryFileSystem, ociLayout } from "../../lib/store/mod.ts";
import { faultyFileSystem } from "./faulty_file_system.ts";
import { describe, filesBelow, noise, pieces, pushImage, readFile, text } from "./content.ts";

/** Checks what must hold after anything: whole blobs, a valid index, nothing unfinished. */
async function checkLayout(fs: FileSystem, message: string): Promise<string[]> {
  const files = (await fs.stat("x")) === undefined ? [] : await filesBelow(fs, "x");
  for (const path of files) {
    const name = path.slice("x/".length);
    if (name === "index.json" || name === "oci-layout") continue;
    assert.match(name, /^blobs\/sha256\/[0-9a-f]{64}$/, message);
    const { digest } = describe(await readFile(fs, path));
    assert.equal(digest, `sha256:${name.slice("blobs/sha256/".length)}`, message);
  }
  const hasHeader = files.includes("x/oci-layout");
  if (hasHeader) assert.ok(files.includes("x/index.json"), `${message}: oci-layout, but no index`);
  if (!files.includes("x/index.json")) return [];
  const index = JSON.parse(text(await readFile(fs, "x/index.json"))) as {
    manifests: { digest: string; annotations: Record<string, string> }[];
  };
  return index.manifests.map(({ digest, annotations }) => {
    const path = `x/blobs/sha256/${digest.slice("sha256:".length)}`;
    assert.ok(files.includes(path), `${message}: the index points at nothing`);
    return annotations["org.opencontainers.image.ref.name"] ?? "";
  });
}

async function work(fs: FileSystem): Promise<void> {
  const layout = ociLayout(fs, "x");
  await layout.tag(await pushImage(layout, 1), "first");
  await layout.tag(await pushImage(layout, 2), "second");
}

for (const reason of ["no-space", "io", "permission"] satisfies FileSystemReason[]) {
  test(`ociLayout() stays whole when any one operation fails with ${reason}`, async () => {
    const counting = faultyFileSystem(memoryFileSystem(), 0, reason);
    await work(counting.fs);
    const operations = counting.operations();
    assert.ok(operations > 80, `${operations} operations`);
    let failures = 0;
    for (let n = 1; n <= operations; n++) {
      const memory = memoryFileSystem();
      const faulty = faultyFileSystem(memory, n, reason);
      let error: unknown;
      try {
        await work(faulty.fs);
      } catch (caught) {
        error = caught;
      }
      const message = `operation ${n}: ${faulty.failed()}`;
      if (error === undefined) {
        assert.deepEqual(await checkLayout(memory, message), ["first", "second"], message);
        continue;
      }
      failures++;
      assert.ok(error instanceof FileSystemError, `${message}: ${error}`);
      assert.equal(error.reason, reason, message);
      const names = await checkLayout(memory, message);
      // What failed once succeeds when it is done again, over what is there.
      await work(memory);
      const again = await checkLayout(memory, message);
      assert.deepEqual(again, ["first", "second"], `${message} (there was ${names})`);
    }
    // The other operations are those whose failure harms nothing: the last steps of cleaning up.
    assert.ok(failures > operations * 0.8, `${failures} of ${operations}`);
  });
}

test("ociLayout() leaves nothing behind when its source fails at any byte", async () => {
  const bytes = noise(10_000, 1);
  const broken = new Error("the network went away");
  for (const after of [0, 1, 9, 10]) {
    const fs = memoryFileSystem();
    let sent = 0;
    const stream = new ReadableStream({
      pull(controller) {
        if (sent === after) return controller.error(broken);
        controller.enqueue(bytes.slice(sent * 1000, ++sent * 1000));
      },
    }, { highWaterMark: 0 });
    const push = ociLayout(fs, "x").push(describe(bytes), stream);
    if (after === 10) await push.catch((error) => assert.equal(error, broken));
    else await assert.rejects(push, (error) => error === broken);
    await checkLayout(fs, `after ${after} chunks`);
  }
});

test("ociLayout() leaves nothing behind when it is aborted at any chunk", async () => {
  const bytes = noise(20_000, 2);
  for (let at = 0; at < 20; at++) {
    const fs = memoryFileSystem();
    const controller = new AbortController();
    const reason = new Error("stop");
    let writes = 0;
    const { stream, cancelled } = pieces(bytes, 1000);
    const slow: FileSystem = faultyFileSystem(fs, 0, "io").fs;
    const create = slow.create;
    slow.create = async (path, options) => {
      const writer = await create(path, options);
      return {
        ...writer,
        async write(chunk) {
          if (writes++ === at && path.includes("/blobs/")) controller.abort(reason);
          await writer.write(chunk);
        },
      };
    };
    const layout = ociLayout(slow, "x");
    const push = layout.push(describe(bytes), stream, { signal: controller.signal });
    await push.then(
      () => assert.equal(controller.signal.aborted, false),
      (error) => assert.equal(error, reason, `at chunk ${at}`),
    );
    if (controller.signal.aborted) assert.equal(cancelled(), 1, "the source is let go");
    await checkLayout(fs, `aborted at chunk ${at}`);
  }
});
