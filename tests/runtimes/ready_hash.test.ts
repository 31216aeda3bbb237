import { test } from "node:test";
import assert from "node:assert/strict";
import type * as host from "../../lib/hash/host.ts";
import { detectRuntime } from "../../lib/runtime/detect.ts";

/**
 * The module as it is before anybody has asked it. The tests of Node 20 are compiled; Bun, where
 * files share their modules, loads one anew for a relative name, but not for a URL with a query.
 */
async function fresh(copy: string): Promise<typeof host> {
  const extension = import.meta.url.endsWith(".js") ? "js" : "ts";
  const name = `../../lib/hash/host.${extension}?${copy}`;
  return await import(name);
}

/** Does something while globals are what these getters give; those that are not there stay so. */
function withGlobals(getters: Readonly<Record<string, () => unknown>>, work: () => void): void {
  const restore = Object.entries(getters).map(([name, get]) => {
    const before = Object.getOwnPropertyDescriptor(globalThis, name);
    if (before === undefined) return () => {};
    Object.defineProperty(globalThis, name, { configurable: true, get });
    return () => Object.defineProperty(globalThis, name, before);
  });
  try {
    work();
  } finally {
    for (const back of restore) back();
  }
}

/** Does something, and gives the globals among these that were looked at meanwhile. */
function lookedAt(names: readonly string[], work: () => void): string[] {
  const looked = new Set<string>();
  const getters = names.map((name) => {
    const before = Object.getOwnPropertyDescriptor(globalThis, name);
    const get = () => {
      looked.add(name);
      return before?.get === undefined ? before?.value : before.get.call(globalThis);
    };
    return [name, get];
  });
  withGlobals(Object.fromEntries(getters), work);
  return [...looked];
}

test("the host's hash is ready in Node and Bun, and what is slow to load is not looked at for it", async () => {
  const { readyHasherFactory, hostHasherFactory } = await fresh("ready");
  const runtime = detectRuntime();
  let ready: ReturnType<typeof readyHasherFactory>;
  const looked = lookedAt(["navigator", "process"], () => ready = readyHasherFactory());
  assert.equal(ready !== undefined, runtime === "node" || runtime === "bun");
  assert.deepEqual(looked, runtime === "node" ? ["process"] : []);
  const found = hostHasherFactory();
  assert.notEqual(found, undefined);
  assert.equal(readyHasherFactory(), found, "what was found before is ready everywhere");
});

test("a hash of the host that does not work is none", async () => {
  const wrong = { update() {}, digest: () => new Uint8Array(32) };
  const broken = {
    missing: undefined,
    empty: {},
    refusing: {
      createHash() {
        throw new Error("no such hash");
      },
    },
    wrong: { createHash: () => wrong },
  };
  for (const [name, crypto] of Object.entries(broken)) {
    const { hostHasherFactory } = await fresh(name);
    let found: ReturnType<typeof hostHasherFactory>;
    const process = () => ({ getBuiltinModule: () => crypto });
    withGlobals({ process }, () => found = hostHasherFactory());
    // Bun has one of its own, and its global cannot be replaced.
    assert.equal(found !== undefined, detectRuntime() === "bun", name);
  }
});
