import { test } from "node:test";
import assert from "node:assert/strict";
import type { Descriptor } from "../../lib/model/descriptor.ts";
import { RegistryError } from "../../lib/model/errors.ts";
import { referrersTag, Registry, type RegistryEvent } from "../../lib/registry/mod.ts";
import { memoryRegistry } from "../../lib/testing/mod.ts";
import {
  type Bench,
  bench,
  collect,
  descriptorOf,
  errorResponse,
  failure,
  index,
  MANIFEST,
  OCI_CONFIG,
  OCI_INDEX,
  OCI_MANIFEST,
  type Sample,
  sample,
  type Script,
  utf8,
} from "./scripted.ts";

const SUBJECT = MANIFEST.descriptor;
const TAG = referrersTag(SUBJECT.digest);
const EMPTY = utf8("{}");
const EMPTY_TYPE = "application/vnd.oci.empty.v1+json";

/** An artifact about the subject. */
function artifact(name: string, more: Record<string, unknown> = {}): Sample {
  return sample({
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    artifactType: "application/vnd.test.note",
    config: descriptorOf(EMPTY, EMPTY_TYPE),
    layers: [],
    subject: SUBJECT,
    annotations: { name },
    ...more,
  }, OCI_MANIFEST);
}

/** What a list of referrers has of it. */
function listed({ descriptor }: Sample, name: string): Descriptor {
  const artifactType = "application/vnd.test.note";
  return { ...descriptor, artifactType, annotations: { name } };
}

interface Options {
  /** Whether conditions count; distribution 2.8 does not look at them. */
  readonly isConditional?: boolean;
  /** Answers in place of the registry, or lets something happen before it does. */
  before?(request: Request, tag: string | undefined): Promise<Response | undefined>;
  /** Lets something happen once the registry has answered. */
  after?(request: Request, tag: string | undefined): void;
}

/** A registry without the referrers API. */
async function withoutAPI({ isConditional = true, before, after }: Options = {}) {
  const memory = memoryRegistry();
  const requests: string[] = [];
  const events: RegistryEvent[] = [];
  const transport = async (request: Request): Promise<Response> => {
    const { pathname, search } = new URL(request.url);
    requests.push(`${request.method} ${pathname.replace("/v2/acme/app/", "")}`);
    if (pathname.includes("/referrers/")) {
      return new Response("404 page not found", { status: 404 });
    }
    const tag = /\/manifests\/([^:]+)$/.exec(pathname)?.[1];
    const special = await before?.(request, tag);
    if (special !== undefined) return special;
    // Under other names it is the same registry.
    const url = `https://registry.test${pathname}${search}`;
    const sent = request.body === null ? {} : { body: await request.arrayBuffer() };
    const headers = new Headers(request.headers);
    if (!isConditional) { for (const name of ["if-match", "if-none-match"]) headers.delete(name); }
    const { method } = request;
    const response = await memory.transport(new Request(url, { method, headers, ...sent }));
    after?.(request, tag);
    const answered = new Headers(response.headers);
    answered.delete("oci-subject");
    return new Response(response.body, { status: response.status, headers: answered });
  };
  const open = (host = "registry.test") =>
    new Registry(host, {
      transport,
      retry: { baseMs: 1 },
      onEvent: (event) => events.push(event),
    }).repository("acme/app");
  const repository = open();
  await repository.push(descriptorOf(EMPTY, EMPTY_TYPE), EMPTY);
  return { memory, repository, open, requests, events };
}

/** The list under the tag. */
async function listOf({ repository }: Awaited<ReturnType<typeof withoutAPI>>) {
  const { parsed } = await repository.manifest(TAG);
  assert.ok(parsed.kind === "index");
  return plain(parsed.value.manifests);
}

/** Maps of manifests have no prototype. */
function plain(list: readonly Descriptor[]): Descriptor[] {
  return JSON.parse(JSON.stringify(list));
}

test("a manifest with a subject is listed under the tag of its referrers", async () => {
  const one = artifact("one");
  const two = artifact("two");
  for (const isConditional of [true, false]) {
    const c = await withoutAPI({ isConditional });
    await c.repository.push(one.descriptor, one.raw);
    assert.deepEqual(await listOf(c), [listed(one, "one")]);
    assert.deepEqual(c.requests.slice(-6, -1), [
      `PUT manifests/${one.descriptor.digest}`,
      `GET manifests/${TAG}`,
      `PUT manifests/${TAG}`,
      `GET manifests/${TAG}`,
      `GET manifests/${TAG}`,
    ]);
    await c.repository.push(two.descriptor, two.raw);
    assert.deepEqual(await listOf(c), [listed(one, "one"), listed(two, "two")]);
    const found = await collect(c.repository.referrers(SUBJECT));
    assert.deepEqual(plain(found), [listed(one, "one"), listed(two, "two")]);
    assert.ok(c.events.some(({ type }) => type === "fallback"));
    // The tag is a manifest that the specification knows.
    const { descriptor } = await c.repository.manifest(TAG);
    assert.equal(descriptor.mediaType, OCI_INDEX);
  }
});

test("what is listed already is not written again", async () => {
  const c = await withoutAPI();
  const one = artifact("one");
  await c.repository.push(one.descriptor, one.raw);
  const count = c.requests.length;
  await c.repository.push(one.descriptor, one.raw);
  assert.deepEqual(c.requests.slice(count), [
    `PUT manifests/${one.descriptor.digest}`,
    `GET manifests/${TAG}`,
  ]);
});

test("the type of the config stands for one that the manifest does not name; an index has none", async () => {
  const c = await withoutAPI();
  const config = utf8(JSON.stringify({ architecture: "amd64", os: "linux" }));
  const described = descriptorOf(config, OCI_CONFIG);
  await c.repository.push(described, config);
  const image = artifact("image", { artifactType: undefined, config: described });
  await c.repository.push(image.descriptor, image.raw);
  const list = sample({
    schemaVersion: 2,
    mediaType: OCI_INDEX,
    manifests: [],
    subject: SUBJECT,
  }, OCI_INDEX);
  await c.repository.push(list.descriptor, list.raw);
  assert.deepEqual(await listOf(c), [
    { ...listed(image, "image"), artifactType: OCI_CONFIG },
    list.descriptor,
  ]);
});

test("lesson 68: an entry without type and annotations, as older clients wrote it, is put right", async () => {
  const c = await withoutAPI();
  const one = artifact("one");
  await c.repository.push(one.descriptor, one.raw);
  const { artifactType = "", annotations = {} } = listed(one, "one");
  for (const part of [{}, { artifactType }, { annotations }]) {
    const stale = index([{ ...one.descriptor, ...part }]);
    await c.repository.push(stale.descriptor, stale.raw);
    await c.repository.tag(stale.descriptor, TAG);
    await c.repository.push(one.descriptor, one.raw);
    assert.deepEqual(await listOf(c), [listed(one, "one")]);
  }
});

test("fields of the list that lading does not know survive", async () => {
  const c = await withoutAPI();
  const old = sample({
    schemaVersion: 2,
    mediaType: OCI_INDEX,
    manifests: [],
    annotations: { kept: "yes" },
    "x-more": [1],
  }, OCI_INDEX);
  await c.repository.push(old.descriptor, old.raw);
  await c.repository.tag(old.descriptor, TAG);
  const one = artifact("one");
  await c.repository.push(one.descriptor, one.raw);
  const { raw } = await c.repository.manifest(TAG);
  const document = JSON.parse(new TextDecoder().decode(raw));
  assert.deepEqual(document.annotations, { kept: "yes" });
  assert.deepEqual(document["x-more"], [1]);
});

test("entries of manifests that are gone do not keep others from being listed", async () => {
  const gone = artifact("gone");
  const c = await withoutAPI();
  const list = index([listed(gone, "gone")]);
  await c.memory.store.push(list.descriptor, list.raw);
  await c.memory.store.tag(list.descriptor, `acme/app:${TAG}`);
  const one = artifact("one");
  await c.repository.push(one.descriptor, one.raw);
  assert.deepEqual(await listOf(c), [listed(one, "one")]);
});

test("a deleted manifest is taken off the tag, and the last one takes the tag along", async () => {
  for (const isConditional of [true, false]) {
    const c = await withoutAPI({ isConditional });
    const one = artifact("one");
    const two = artifact("two");
    for (const { descriptor, raw } of [one, two]) await c.repository.push(descriptor, raw);
    await c.repository.delete(one.descriptor);
    assert.deepEqual(await listOf(c), [listed(two, "two")]);
    await c.repository.delete(two.descriptor);
    const tags = await collect(c.repository.tags());
    assert.deepEqual(tags, []);
    assert.deepEqual(await collect(c.repository.referrers(SUBJECT)), []);
  }
});

test("a manifest that the registry does not delete is still listed", async () => {
  const c = await withoutAPI({
    before: ({ method }) =>
      Promise.resolve(method === "DELETE" ? new Response(null, { status: 405 }) : undefined),
  });
  const one = artifact("one");
  await c.repository.push(one.descriptor, one.raw);
  const refused = await failure(c.repository.delete(one.descriptor));
  assert.ok(refused instanceof RegistryError);
  assert.deepEqual(await listOf(c), [listed(one, "one")]);
});

test("where nothing can be deleted but what is asked for, an empty list stays", async () => {
  const one = artifact("one");
  const c = await withoutAPI({
    before: ({ method, url }) =>
      Promise.resolve(
        method === "DELETE" && !url.endsWith(one.descriptor.digest)
          ? new Response(null, { status: 405 })
          : undefined,
      ),
  });
  await c.repository.push(one.descriptor, one.raw);
  await c.repository.delete(one.descriptor);
  assert.deepEqual(await listOf(c), []);
});

test("an empty list that somebody else has deleted is gone, and not written again", async () => {
  const one = artifact("one");
  let isGone = false;
  const c = await withoutAPI({
    before({ method, url }, tag) {
      if (method === "DELETE" && !url.endsWith(one.descriptor.digest)) isGone = true;
      const isAsked = isGone && (method === "DELETE" || tag === TAG);
      return Promise.resolve(isAsked ? new Response(null, { status: 404 }) : undefined);
    },
  });
  await c.repository.push(one.descriptor, one.raw);
  const count = c.requests.length;
  await c.repository.delete(one.descriptor);
  assert.ok(isGone);
  assert.ok(!c.requests.slice(count).some((request) => request.startsWith("PUT")));
});

/** A registry of one list of referrers, under the tag; the rest of it takes everything. */
function listOnly(read: () => Response, write: () => Response | Promise<Response>): Script {
  return ({ method, url }) => {
    if (method === "HEAD") return new Response(null, { status: 200 });
    if (!url.endsWith(TAG)) return new Response(null, { status: 201 });
    return method === "GET" ? read() : write();
  };
}

const emptyList = (headers: Record<string, string> = {}) =>
  new Response(index([]).raw, { headers: { "content-type": OCI_INDEX, ...headers } });

test("the list is written under the condition that it is still what was read", async () => {
  const one = artifact("one");
  const missing = () => errorResponse(404, "MANIFEST_UNKNOWN");
  const cases: readonly [() => Response, Record<string, string>][] = [
    [missing, { "if-none-match": "*" }],
    [() => emptyList({ etag: '"abc"' }), { "if-match": '"abc"' }],
    [() => emptyList({ etag: 'W/"abc"' }), {}],
    [() => emptyList(), {}],
  ];
  for (const [read, expected] of cases) {
    const b = bench(listOnly(read, () => errorResponse(403, "DENIED")));
    const error = await failure(b.clock.run(b.repository.push(one.descriptor, one.raw)));
    assert.ok(error instanceof RegistryError && error.status === 403);
    const puts = b.transport.seen.filter(({ method, url }) =>
      method === "PUT" && url.endsWith(TAG)
    );
    assert.equal(puts.length, 1);
    const conditions = [...puts[0]?.headers ?? []].filter(([name]) => name.startsWith("if-"));
    assert.deepEqual(Object.fromEntries(conditions), expected);
  }
});

test("a list that cannot be read is not taken for an empty one", async () => {
  const one = artifact("one");
  const b = bench(listOnly(() => errorResponse(403, "DENIED"), () => assert.fail("it is lost")));
  const error = await failure(b.clock.run(b.repository.push(one.descriptor, one.raw)));
  assert.ok(error instanceof RegistryError && error.status === 403);
  assert.match(error.message, /^Cannot read "registry\.example\/acme\/app:sha256-/);
});

test("a refusal for entries that are all there is passed on, and not tried again", async () => {
  const one = artifact("one");
  let writes = 0;
  const write = () => (writes++, errorResponse(400, "MANIFEST_BLOB_UNKNOWN"));
  const b = bench(listOnly(emptyList, write));
  const error = await failure(b.clock.run(b.repository.push(one.descriptor, one.raw)));
  assert.ok(error instanceof RegistryError);
  assert.equal(error.diagnostics[0]?.code, "MANIFEST_BLOB_UNKNOWN");
  assert.equal(writes, 1);
});

test("who is overtaken waits longer each time, and abort ends the wait", async () => {
  const one = artifact("one");
  const retry = { baseMs: 100, random: () => 1 };
  const controller = new AbortController();
  const reason = new Error("stop");
  for (const abortAt of [Infinity, 2]) {
    const writtenAt: number[] = [];
    const b: Bench = bench(
      listOnly(() => {
        if (writtenAt.length === abortAt) controller.abort(reason);
        return emptyList();
      }, () => {
        writtenAt.push(b.clock.now() - start);
        return new Response(null, { status: 412 });
      }),
      { retry },
    );
    const start = b.clock.now();
    const options = abortAt === 2 ? { signal: controller.signal } : {};
    const work = b.repository.push(one.descriptor, one.raw, options);
    const error = await failure(b.clock.run(work));
    const all = [0, 100, 300, 700, 1500, 3100];
    assert.deepEqual(writtenAt, all.slice(0, abortAt));
    assert.equal(b.clock.now() - start, writtenAt.at(-1));
    if (abortAt === 2) assert.equal(error, reason);
    else assert.match(String(error), /others have overwritten it 6 times/);
  }
});

test("the list is read again when others have had twice the time to write, a second at most", async () => {
  const one = artifact("one");
  for (const [tookMs, readAgainAt] of [[300, 900], [2000, 3000]] as const) {
    let list: Response | undefined;
    const readAt: number[] = [];
    const written = index([listed(one, "one")]);
    const b: Bench = bench(listOnly(() => {
      readAt.push(b.clock.now() - start);
      return list?.clone() ?? emptyList();
    }, () =>
      new Promise((resolve) => {
        b.clock.setTimer(tookMs, () => {
          list = new Response(written.raw, { headers: { "content-type": OCI_INDEX } });
          resolve(new Response(null, { status: 201 }));
        });
      })));
    const start = b.clock.now();
    await b.clock.run(b.repository.push(one.descriptor, one.raw));
    assert.deepEqual(readAt, [0, tookMs, readAgainAt]);
    const events = b.events.filter(({ type }) => type === "fallback");
    const reason = "it has no referrers API; the tag of the referrers is written";
    assert.deepEqual(events, [{ type: "fallback", registry: "registry.example", reason }]);
  }
});

test("lesson 67: two writers in two processes lose no entry where conditions count", async () => {
  const other = artifact("other");
  const mine = artifact("mine");
  let isRaced = false;
  const c = await withoutAPI({
    // Between the reading and the writing of the one, the other one writes.
    async before(request, tag) {
      if (request.method !== "PUT" || tag !== TAG || isRaced) return undefined;
      isRaced = true;
      await c.memory.store.push(other.descriptor, other.raw);
      const list = index([listed(other, "other")]);
      await c.memory.store.push(list.descriptor, list.raw);
      await c.memory.store.tag(list.descriptor, `acme/app:${TAG}`);
      return undefined;
    },
  });
  await c.repository.push(mine.descriptor, mine.raw);
  assert.equal(isRaced, true);
  assert.deepEqual(await listOf(c), [listed(other, "other"), listed(mine, "mine")]);
});

test("lesson 67: an entry that another writer overwrites is written again", async () => {
  const other = artifact("other");
  const mine = artifact("mine");
  let puts = 0;
  const c = await withoutAPI({
    isConditional: false,
    async before(request, tag) {
      if (tag !== TAG) return undefined;
      if (request.method === "PUT") puts++;
      if (request.method !== "GET" || puts !== 1) return undefined;
      puts++;
      await c.memory.store.push(other.descriptor, other.raw);
      const list = index([listed(other, "other")]);
      await c.memory.store.push(list.descriptor, list.raw);
      await c.memory.store.tag(list.descriptor, `acme/app:${TAG}`);
      return undefined;
    },
  });
  await c.repository.push(mine.descriptor, mine.raw);
  assert.deepEqual(await listOf(c), [listed(other, "other"), listed(mine, "mine")]);
});

test("lesson 67: two writers who have read the same list lose no entry where conditions are ignored", async () => {
  const first = artifact("first");
  const second = artifact("second");
  const answered: Record<string, number> = {};
  const opened = { read: () => {}, seen: () => {}, written: () => {} };
  const gate = (name: keyof typeof opened) =>
    new Promise<void>((resolve) => opened[name] = resolve);
  const [read, seen, written] = [gate("read"), gate("seen"), gate("written")];
  const eventOf = ({ method, url }: Request) => `${new URL(url).hostname} ${method}`;
  // Both read; the first one writes, and sees his entry; then the second one writes over it.
  const c = await withoutAPI({
    isConditional: false,
    async before(request, tag) {
      const event = tag === TAG ? eventOf(request) : "";
      if (event === "first.test PUT" && answered[event] === undefined) await read;
      if (event === "second.test PUT") await seen;
      if (event === "first.test GET" && answered[event] === 2) await written;
      return undefined;
    },
    after(request, tag) {
      const event = tag === TAG ? eventOf(request) : "";
      const count = answered[event] = (answered[event] ?? 0) + 1;
      if (event === "second.test GET") opened.read();
      if (event === "first.test GET" && count === 2) opened.seen();
      if (event === "second.test PUT") opened.written();
    },
  });
  // Under two names the writers know as little of each other as two processes.
  const [one, two] = [c.open("first.test"), c.open("second.test")];
  await Promise.all([
    one.push(first.descriptor, first.raw),
    two.push(second.descriptor, second.raw),
  ]);
  assert.deepEqual(await listOf(c), [listed(second, "second"), listed(first, "first")]);
});

test("a tag that others overwrite without end is an error that says so", async () => {
  let puts = 0;
  const c = await withoutAPI({
    before(request, tag) {
      if (tag !== TAG) return Promise.resolve(undefined);
      if (request.method === "PUT") puts++;
      const { raw } = index([]);
      return Promise.resolve(
        request.method === "GET"
          ? new Response(raw, { headers: { "content-type": OCI_INDEX } })
          : new Response(null, { status: puts % 2 === 0 ? 412 : 201 }),
      );
    },
  });
  const one = artifact("one");
  const error = await failure(c.repository.push(one.descriptor, one.raw));
  assert.ok(error instanceof RegistryError);
  assert.match(error.message, /others have overwritten it 6 times/);
  assert.equal(puts, 6);
});

test("a process that pushes ten artifacts at once lists all ten", async () => {
  for (const isConditional of [true, false]) {
    const c = await withoutAPI({ isConditional });
    const names = Array.from({ length: 10 }, (_, at) => `artifact ${at}`);
    await Promise.all(names.map(async (name, at) => {
      const { descriptor, raw } = artifact(name);
      // Also through clients that know nothing of each other.
      await (at % 2 === 0 ? c.repository : c.open()).push(descriptor, raw);
    }));
    assert.equal((await listOf(c)).length, 10);
    const puts = c.requests.filter((request) => request === `PUT manifests/${TAG}`);
    assert.equal(puts.length, 10, "nobody had to write twice");
  }
});

test("abort takes one writer out while it waits for another", async () => {
  let release = () => {};
  const gate = new Promise<void>((resolve) => release = resolve);
  const c = await withoutAPI({
    async before(request, tag) {
      if (request.method === "PUT" && tag === TAG) await gate;
      return undefined;
    },
  });
  const first = artifact("first");
  const second = artifact("second");
  const pushing = c.repository.push(first.descriptor, first.raw);
  while (!c.requests.includes(`PUT manifests/${TAG}`)) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  const controller = new AbortController();
  const { signal } = controller;
  const waiting = failure(c.repository.push(second.descriptor, second.raw, { signal }));
  while (!c.requests.includes(`PUT manifests/${second.descriptor.digest}`)) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await new Promise((resolve) => setTimeout(resolve, 5));
  const reason = new Error("stop");
  controller.abort(reason);
  assert.equal(await waiting, reason);
  release();
  await pushing;
  assert.deepEqual(await listOf(c), [listed(first, "first")]);
});

test("a tag that has something else is left alone, and the push says so", async () => {
  const c = await withoutAPI();
  const config = utf8("{}");
  const plain = sample({
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: descriptorOf(config, EMPTY_TYPE),
    layers: [],
  }, OCI_MANIFEST);
  await c.repository.push(plain.descriptor, plain.raw);
  await c.repository.tag(plain.descriptor, TAG);
  const one = artifact("one");
  const error = await failure(c.repository.push(one.descriptor, one.raw));
  assert.ok(error instanceof RegistryError);
  assert.match(error.message, /has no index/);
  assert.equal((await c.repository.resolve(TAG)).digest, plain.descriptor.digest);
});

test("a registry that lists referrers itself gets no tag", async () => {
  const memory = memoryRegistry();
  const requests: string[] = [];
  const transport = (request: Request) => {
    requests.push(`${request.method} ${new URL(request.url).pathname}`);
    return memory.transport(request);
  };
  const repository = new Registry("registry.test", { transport }).repository("acme/app");
  await repository.push(descriptorOf(EMPTY, EMPTY_TYPE), EMPTY);
  const one = artifact("one");
  await repository.push(one.descriptor, one.raw);
  const found = await collect(repository.referrers(SUBJECT));
  assert.deepEqual(plain(found), [listed(one, "one")]);
  assert.deepEqual(await collect(repository.tags()).catch(() => []), []);
  await repository.delete(one.descriptor);
  assert.ok(!requests.some((request) => request.startsWith("PUT") && request.includes(TAG)));
  assert.deepEqual(await collect(repository.referrers(SUBJECT)), []);
});

test("a subject under SHA-512 has a tag that is short enough", async () => {
  const digest = `sha512:${"ab".repeat(64)}`;
  const subject = { ...SUBJECT, digest };
  const one = artifact("one", { subject });
  const c = await withoutAPI();
  await c.repository.push(one.descriptor, one.raw);
  const { parsed } = await c.repository.manifest(`sha512-${"ab".repeat(32)}`);
  assert.ok(parsed.kind === "index" && parsed.value.manifests.length === 1);
});
