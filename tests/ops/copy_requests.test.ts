// What a copy between registries asks, in rounds: the requests of a round are answered once all of
// them are there. Who asks one after the other what could be asked together never comes to the end.
import { test } from "node:test";
import assert from "node:assert/strict";
import type { Transport } from "../../lib/model/transport.ts";
import { copy, sync } from "../../lib/ops/mod.ts";
import { Registry } from "../../lib/registry/mod.ts";
import { memoryStore } from "../../lib/store/mod.ts";
import { memoryRegistry } from "../../lib/testing/mod.ts";
import { get, putImage, type Store } from "./content.ts";

/** How long a round waits for its last request before the test has failed. */
const PATIENCE_MS = 60_000;

const BLOBS = ["config", "layer1", "layer2", "layer3"] as const;

// Rounds of a copy from one registry to another.
const NAMES = ["GET from/app/manifests/1", "HEAD to/app/manifests/1"];
const WHAT_IS_THERE = [
  "HEAD to/app/manifests/image",
  ...BLOBS.map((blob) => `HEAD to/app/blobs/${blob}`),
];
const BEGUN = BLOBS.flatMap((blob) => [
  `GET from/app/blobs/${blob}`,
  "POST to/app/blobs/uploads",
]);
const ENDED = BLOBS.map((blob) => `PUT to/app/blobs/uploads ${blob}`);
const NAMED = ["PUT to/app/manifests/1"];

/** The rounds of an image whose layers move at the same time. */
const SMALL_LAYERS = [NAMES, WHAT_IS_THERE, BEGUN, ENDED, NAMED];

/** Stores an image with three layers, and tells what its digests are called here. */
async function threeLayers(
  store: Store,
  { reference, padding = "" }: { readonly reference?: string; readonly padding?: string },
): Promise<ReadonlyMap<string, string>> {
  const image = await putImage(store, ["one", "two", "three"].map((text) => text + padding));
  if (reference !== undefined) await store.tag(image, reference);
  const { config, layers } = JSON.parse(new TextDecoder().decode(await get(store, image)));
  const digests: string[] = [config, ...layers].map(({ digest }) => digest);
  return new Map([
    [image.digest, "image"],
    ...digests.map((digest, index) => [digest, BLOBS[index] ?? ""] as const),
  ]);
}

/** A request in words: `HEAD to/app/blobs/layer1`. */
function wordsOf({ method, url }: Request, names: ReadonlyMap<string, string>): string {
  const { host, pathname, searchParams } = new URL(url);
  const query = ["digest", "mount", "scope"].map((name) => searchParams.get(name));
  const digest = query.find((value) => value !== null);
  const path = pathname.replace(/^\/v2/, "").replace(/uploads\/.*/, "uploads");
  const words = `${method} ${host.replace(".test", "")}${path}${digest ? ` ${digest}` : ""}`;
  return [...names].reduce((text, [digest, name]) => text.replace(digest, name), words);
}

/** Answers the requests of a round together, and refuses every other one. */
class Rounds {
  readonly #names: ReadonlyMap<string, string>;
  readonly #rounds: string[][];
  #waiting: (() => void)[] = [];
  #missing: string[];

  constructor(names: ReadonlyMap<string, string>, rounds: readonly (readonly string[])[]) {
    this.#names = names;
    this.#rounds = rounds.map((round) => [...round]);
    this.#missing = this.#rounds.shift() ?? [];
  }

  /** What was never asked. */
  get missing(): readonly string[] {
    return [this.#missing, ...this.#rounds].flat();
  }

  of(transport: Transport): Transport {
    return async (request) => {
      const words = wordsOf(request, this.#names);
      const index = this.#missing.indexOf(words);
      if (index < 0) {
        throw new TypeError(`${words} is asked for, but not ${this.#missing.join(", ")}`);
      }
      this.#missing.splice(index, 1);
      await this.#together();
      return await transport(request);
    };
  }

  async #together(): Promise<void> {
    const round = this.#missing;
    let timer: ReturnType<typeof setTimeout> | undefined;
    await new Promise<void>((resolve, reject) => {
      const late = () => reject(new TypeError(`Nobody asks for ${round.join(", ")} meanwhile`));
      timer = setTimeout(late, PATIENCE_MS);
      this.#waiting.push(resolve);
      if (round.length > 0) return;
      this.#missing = this.#rounds.shift() ?? [];
      for (const go of this.#waiting.splice(0)) go();
    }).finally(() => clearTimeout(timer));
  }
}

/** What two repositories are, of which the first one has the image. */
interface Setup {
  /** The registry and the repository that it goes to. */
  readonly to: readonly [host: string, name: string];
  /** The name that the image has there already. */
  readonly named?: string;
  /** What its layers have at their end. */
  readonly padding?: string;
  /** Whether both registries want tokens. */
  readonly isGuarded?: boolean;
  readonly rounds: readonly (readonly string[])[];
}

/** Gives tokens that are what they are for, and lets nobody in without a good one. */
function guarded(transport: Transport): Transport {
  return async (request) => {
    const { host, pathname, searchParams } = new URL(request.url);
    if (pathname === "/token") {
      return Response.json({ token: btoa(searchParams.get("scope") ?? "") });
    }
    const right = request.method === "GET" || request.method === "HEAD" ? "pull" : "pull,push";
    const [, token = ""] = request.headers.get("authorization")?.split(" ") ?? [];
    if (`${atob(token)},`.includes(`${right},`)) return await transport(request);
    const challenge = `Bearer realm="https://${host}/token",scope="repository:app:${right}"`;
    return new Response(null, { status: 401, headers: { "www-authenticate": challenge } });
  };
}

async function repositories(setup: Setup) {
  const { to: [host, name], named, padding, isGuarded = false, rounds } = setup;
  const layers = padding === undefined ? {} : { padding };
  const names = await threeLayers(memoryStore(), layers);
  const both = ["from.test", "to.test"].map((host) => memoryRegistry({ host }));
  for (const [registry, reference] of [[both[0], "app:1"], [both[1], named]] as const) {
    if (reference !== undefined && registry !== undefined) {
      await threeLayers(registry.store, { ...layers, reference });
    }
  }
  const meeting = new Rounds(names, rounds);
  const answer: Transport = async (request) => {
    const registry = both.find(({ host }) => host === new URL(request.url).host);
    return await registry?.transport(request) ?? Response.error();
  };
  const transport = meeting.of(isGuarded ? guarded(answer) : answer);
  const open = (host: string, name: string) =>
    new Registry(host, { transport, retry: { retries: 0 } }).repository(name);
  return { source: open("from.test", "app"), target: open(host, name), meeting };
}

test("an image of three small layers is copied in five rounds, and nothing is asked twice", async () => {
  const { source, target, meeting } = await repositories({
    to: ["to.test", "app"],
    rounds: SMALL_LAYERS,
  });
  await copy(source, "1", target);
  assert.deepEqual(meeting.missing, []);
});

test("a layer is asked for while the one that has come is being stored", async () => {
  const begun = (...blobs: string[]) =>
    BEGUN.filter((_, index) => blobs.includes(BLOBS[index >> 1] ?? ""));
  const ended = (...blobs: string[]) => blobs.map((blob) => `PUT to/app/blobs/uploads ${blob}`);
  const { source, target, meeting } = await repositories({
    to: ["to.test", "app"],
    padding: "x".repeat(100_000),
    rounds: [
      NAMES,
      WHAT_IS_THERE,
      begun("config", "layer1"),
      [...ended("config", "layer1"), ...begun("layer2")],
      [...ended("layer2"), ...begun("layer3")],
      ended("layer3"),
      NAMED,
    ],
  });
  await copy(source, "1", target, { jobs: 2 });
  assert.deepEqual(meeting.missing, []);
});

test("tokens of both sides are got in two rounds at the start, one of each", async () => {
  const { source, target, meeting } = await repositories({
    to: ["to.test", "app"],
    isGuarded: true,
    rounds: [
      NAMES,
      ["GET from/token repository:app:pull", "GET to/token repository:app:pull,push"],
      ...SMALL_LAYERS,
    ],
  });
  await copy(source, "1", target);
  assert.deepEqual(meeting.missing, []);
});

test("that everything is there already is known after two rounds", async () => {
  const { source, target, meeting } = await repositories({
    to: ["to.test", "app"],
    named: "app:1",
    rounds: [
      NAMES,
      WHAT_IS_THERE,
    ],
  });
  const { bytesFetched } = await copy(source, "1", target);
  assert.equal(bytesFetched, 0);
  assert.deepEqual(meeting.missing, []);
});

test("what has another name there is named in a third round", async () => {
  const { source, target, meeting } = await repositories({
    to: ["to.test", "app"],
    named: "app:other",
    rounds: [
      NAMES,
      WHAT_IS_THERE,
      NAMED,
    ],
  });
  await copy(source, "1", target);
  assert.deepEqual(meeting.missing, []);
});

test("within a registry blobs are mounted, and nothing else is asked for", async () => {
  const { source, target, meeting } = await repositories({
    to: ["from.test", "other"],
    rounds: [
      ["GET from/app/manifests/1", "HEAD from/other/manifests/1"],
      [
        "HEAD from/other/manifests/image",
        ...BLOBS.map((blob) => `HEAD from/other/blobs/${blob}`),
      ],
      BLOBS.map((blob) => `POST from/other/blobs/uploads ${blob}`),
      ["PUT from/other/manifests/1"],
    ],
  });
  await copy(source, "1", target);
  assert.deepEqual(meeting.missing, []);
});

test("a sync asks both sides at once what a tag stands for", async () => {
  const { source, target, meeting } = await repositories({
    to: ["to.test", "app"],
    named: "app:1",
    rounds: [
      ["GET from/app/tags/list"],
      ["HEAD from/app/manifests/1", "HEAD to/app/manifests/1"],
    ],
  });
  const { unchanged } = await sync(source, target);
  assert.deepEqual(unchanged.map(({ reference }) => reference), ["1"]);
  assert.deepEqual(meeting.missing, []);
});
