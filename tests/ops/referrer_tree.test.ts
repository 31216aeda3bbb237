import assert from "node:assert/strict";
import { test } from "node:test";
import { digestBytes } from "../../lib/hash/mod.ts";
import type { Referrers } from "../../lib/model/content.ts";
import type { Descriptor } from "../../lib/model/descriptor.ts";
import { referrerTree } from "../../lib/ops/mod.ts";

function named(name: string): Descriptor {
  const digest = digestBytes("sha256", new TextEncoder().encode(name));
  return { mediaType: "application/vnd.oci.image.manifest.v1+json", digest, size: 1 };
}

/** A place whose lists are whatever it says. */
function place(list: (digest: string) => Iterable<string>): Referrers {
  return {
    async *referrers({ digest }) {
      for (const name of list(digest)) yield named(name);
    },
  };
}

test("referrerTree() has each referrer once, also where lists lead in a circle", async () => {
  const names = ["subject", "a", "b", "c"];
  const lists = new Map(names.map((name) => [named(name).digest, names]));
  const tree = await referrerTree(place((digest) => lists.get(digest) ?? []), named("subject"));
  assert.deepEqual(
    tree,
    ["a", "b", "c"].map((name) => ({ descriptor: named(name), referrers: [] })),
  );
});

test("referrerTree() ends with an error where lists have no end", async () => {
  let next = 0;
  const endless = place(() => [String(next++)]);
  await assert.rejects(referrerTree(endless, named("subject")), { code: "LIMIT_EXCEEDED" });
  assert.ok(next <= 1001, `${next} lists were asked for`);
  const wide = place(function* () {
    for (;;) yield String(next++);
  });
  await assert.rejects(referrerTree(wide, named("subject")), { code: "LIMIT_EXCEEDED" });
});

test("referrerTree() stops when its signal does", async () => {
  const signal = AbortSignal.abort(new Error("enough"));
  const asked: (AbortSignal | undefined)[] = [];
  const silent: Referrers = {
    async *referrers(_, options = {}) {
      asked.push(options.signal);
      options.signal?.throwIfAborted();
      yield named("never");
    },
  };
  await assert.rejects(referrerTree(silent, named("subject"), { signal }), /enough/);
  assert.deepEqual(asked, [signal]);
});
