import { test } from "node:test";
import assert from "node:assert/strict";
import { FileTree } from "../../lib/image/_file_tree.ts";
import { type Layer, type LayerThreads, loadRootfs, openLayer } from "../../lib/image/mod.ts";
import { isLadingError, LimitExceededError } from "../../lib/model/errors.ts";
import { MAX_PATH_LENGTH, type TarInput, writeTar } from "../../lib/tar/mod.ts";
import { imageOf, pathsOf, textOf } from "./images.ts";

test("a directory that was cleared is not gone through again for each whiteout of its layer", () => {
  const tree = new FileTree<string>();
  tree.addNode("d/old", "other", "lower");
  tree.nextLayer();
  tree.addNode("d/new", "other", "upper");
  const children = tree.lookup("d", true)?.children;
  let visits = 0;
  Object.assign(children ?? {}, {
    [Symbol.iterator]: () => {
      visits++;
      return Map.prototype.entries.call(children);
    },
  });
  for (let count = 0; count < 3; count++) {
    tree.clear("d");
    tree.remove("", "d");
  }
  assert.deepEqual([...tree.entries()].map(({ path }) => path), ["d", "d/new"]);
  assert.equal(visits, 1);
});

test("a directory is cleared again in the next layer", async () => {
  const image = await imageOf(
    ["d/a=1"],
    ["d/b=2", "d/.wh..wh..opq", "d/.wh..wh..opq"],
    ["d/c=3", "d/.wh..wh..opq"],
  );
  assert.deepEqual(await pathsOf(image), ["d/", "d/c"]);
});

test("what a layer has put into a directory it cleared stays, however often it clears it", async () => {
  const image = await imageOf(
    ["d/s/old=1", "keep=1"],
    [".wh.d", "d/s/new=2", "d/s/link=>keep", "d/.wh.s", "d/.wh..wh..opq", ".wh.d"],
  );
  assert.deepEqual(await pathsOf(image), ["d/", "d/s/", "d/s/link", "d/s/new", "keep"]);
});

test("the target of a link may be as long as a path, and no longer", async () => {
  const longest = "./".repeat(MAX_PATH_LENGTH / 2 - 1) + "./";
  assert.equal(longest.length, MAX_PATH_LENGTH);
  assert.equal(await textOf(await imageOf(["f=1", `l->${longest}`, "l/g=2"]), "g"), "2");
  for (const bytes of [MAX_PATH_LENGTH + 1, 10 * MAX_PATH_LENGTH, 1_000_000]) {
    for (const mark of ["->", "=>"]) {
      const image = await imageOf(["f=1", `l${mark}${"/".repeat(bytes)}`, "l/g=2"]);
      await assert.rejects(
        image.rootfs(),
        (error) => isLadingError(error) && error instanceof LimitExceededError,
        `${bytes} ${mark}`,
      );
    }
  }
});

/** A layer that is made when it is read. */
function layerOf(entries: () => Iterable<TarInput> | AsyncIterable<TarInput>): Layer {
  const digest = `sha256:${"0".repeat(64)}`;
  const descriptor = { mediaType: "application/vnd.oci.image.layer.v1.tar", digest, size: 1 };
  return openLayer({
    exists: () => Promise.resolve(true),
    fetch: () => Promise.resolve(writeTar(entries())),
  }, descriptor);
}

/** Metadata that compresses to nearly nothing. */
const LARGE = 1_000_000;
const METADATA: Readonly<Record<string, Partial<TarInput>>> = {
  "attributes": { xattrs: new Map([["user.a", new Uint8Array(LARGE)]]) },
  "owners": { userName: "u".repeat(LARGE) },
  "groups": { groupName: "g".repeat(LARGE) },
};

function* largeEntries(count: number, metadata: Partial<TarInput> = {}): Generator<TarInput> {
  for (let index = 0; index < count; index++) yield { path: `${index}`, ...metadata };
}

test("what a tree keeps of entries is bounded, however much metadata they bring", async () => {
  for (const [what, metadata] of Object.entries(METADATA)) {
    const many = layerOf(() => largeEntries(40, metadata));
    await assert.rejects(loadRootfs([many]), LimitExceededError, what);
    const few = await loadRootfs([layerOf(() => largeEntries(4, metadata))]);
    assert.equal([...few.entries()].length, 4, what);
  }
});

/** Nothing is done in threads here; their number says how many layers are read side by side. */
const threads: LayerThreads = {
  size: 2,
  minBytes: Infinity,
  take: () => Promise.resolve(undefined),
};

test("a layer that fails while it is read ahead fails the tree, whichever it is", async () => {
  const failure = new Error("the line is cut");
  const failing = layerOf(function* () {
    yield { path: "a" };
    throw failure;
  });
  const whole = layerOf(() => largeEntries(3));
  for (const layers of [[failing], [whole, failing], [failing, whole], [whole, whole, failing]]) {
    const reason = await loadRootfs(layers, { threads }).catch((error: unknown) => error);
    assert.equal(reason, failure);
  }
});

test("what is read ahead of an upper layer is bounded by its bytes too", async () => {
  let release = () => {};
  const released = new Promise<void>((resolve) => release = resolve);
  const base = layerOf(async function* () {
    await released;
    yield { path: "base" };
  });
  let read = 0;
  const upper = layerOf(function* () {
    for (const entry of largeEntries(24, METADATA.attributes)) {
      read++;
      yield entry;
    }
  });
  const loading = loadRootfs([base, upper], { threads });
  for (let before = -1; before !== read;) {
    before = read;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.ok(read > 1 && read < 20, `${read} entries of ${LARGE} bytes`);
  release();
  assert.equal([...(await loading).entries()].length, 25);
});
