/** What the cases of the suite are told, and what several of them use. */
import assert from "node:assert/strict";
import type { Engine, EngineEvent, Operation } from "../../../lib/engine/mod.ts";
import { readAll } from "../../../lib/bytes/mod.ts";
import type { Bytes } from "../../../lib/model/bytes.ts";
import type { Transport } from "../../../lib/model/transport.ts";
import { Registry } from "../../../lib/registry/mod.ts";
import { memoryStore, writeDockerArchive } from "../../../lib/store/mod.ts";
import { type TarInput, writeTar } from "../../../lib/tar/mod.ts";
import { type RandomArtifact, type RandomImage, randomImage } from "../../../lib/testing/mod.ts";

/** An engine without images, beside a registry. */
export interface EngineBench {
  readonly engine: Engine;
  /** Sends requests to the engine as they are. */
  readonly transport: Transport;
  /** Where the engine is, for requests of one's own. */
  readonly baseURL: string;
  /** The host of a registry that the engine reaches; empty at first. */
  readonly host: string;
  /** Leads to the registry from here. */
  readonly registryTransport?: Transport | undefined;
}

/** One behaviour of engines. */
export interface EngineCase {
  readonly name: string;
  run(bench: EngineBench): Promise<void>;
}

export const MAX: { readonly maxBytes: number; readonly what: string } = {
  maxBytes: 64 * 1024 * 1024,
  what: "the archive",
};

export function utf8(text: string): Bytes {
  return new TextEncoder().encode(text);
}

export async function tarOf(...entries: readonly TarInput[]): Promise<Bytes> {
  return await readAll(writeTar(entries), MAX);
}

/** A file tree of one file. */
export async function treeOf(name: string, text: string = "hello\n"): Promise<Bytes> {
  return await tarOf({ path: name, body: utf8(text) });
}

/** An image that engines load; its ID is the digest of its config. */
export async function imageOf(seed: string): Promise<RandomImage> {
  return await randomImage(seed, { format: "docker", files: 2, maxFileBytes: 600 });
}

export async function archiveOf(images: Readonly<Record<string, RandomImage>>): Promise<Bytes> {
  const store = memoryStore();
  for (const [name, image] of Object.entries(images)) await image.pushTo(store, name);
  const roots = Object.entries(images).map(([reference, { descriptor }]) => ({
    descriptor,
    reference,
  }));
  return await readAll(writeDockerArchive(store, roots), MAX);
}

export async function load(
  engine: Engine,
  name: string,
  seed: string = name,
): Promise<RandomImage> {
  const image = await imageOf(seed);
  await engine.images.load(await archiveOf({ [name]: image }));
  return image;
}

export async function putIntoRegistry(
  bench: EngineBench,
  repository: string,
  tag: string,
  content: RandomArtifact,
): Promise<void> {
  const { host, registryTransport: transport } = bench;
  const registry = new Registry(host, transport === undefined ? {} : { transport });
  await content.pushTo(registry.repository(repository), tag);
}

/** The error of work that has to fail. */
export async function failure(work: PromiseLike<unknown>): Promise<Record<string, unknown>> {
  try {
    await work;
  } catch (error) {
    return error as Record<string, unknown>;
  }
  return assert.fail("it did not fail");
}

export async function fails(
  work: PromiseLike<unknown>,
  code: string,
  status: number,
  said: string | RegExp,
): Promise<void> {
  const error = await failure(work);
  assert.equal(error["code"], code, String(error));
  assert.equal(error["status"], status, String(error));
  if (typeof said === "string") assert.equal(error["said"], said);
  else assert.match(String(error["said"]), said);
}

export async function eventsOf<Result>(
  work: Operation<Result, EngineEvent>,
): Promise<{ readonly result: Result; readonly events: readonly EngineEvent[] }> {
  const events: EngineEvent[] = [];
  for await (const event of work) events.push(event);
  return { result: await work, events };
}

/** The words of statuses, without those of layers. */
export function statuses(events: readonly EngineEvent[]): string[] {
  return events.flatMap((event) => event.type === "status" ? [event.text] : []);
}

export async function ask(
  { transport, baseURL }: EngineBench,
  method: string,
  path: string,
  init: RequestInit = {},
): Promise<Response> {
  const request = new Request(`${baseURL}${path}`, { method, ...init, redirect: "manual" });
  return await transport(request);
}

/** Removes everything, what was made of other images first. */
export async function clearEngine(engine: Engine): Promise<void> {
  for (;;) {
    const all = await engine.images.list({ all: true });
    if (all.length === 0) return;
    const parents = new Set(all.map(({ parentID }) => parentID));
    for (const { id } of all) {
      if (!parents.has(id)) await engine.images.remove(id, { force: true });
    }
  }
}
