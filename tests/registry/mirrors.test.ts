import { test } from "node:test";
import assert from "node:assert/strict";
import { staticCredentials } from "../../lib/auth/credentials.ts";
import {
  DigestMismatchError,
  InvalidReferenceError,
  NotFoundError,
} from "../../lib/model/errors.ts";
import type { Transport } from "../../lib/model/transport.ts";
import {
  type MirrorOptions,
  type Mirrors,
  Registry,
  type RegistryEvent,
  type Repository,
  withMirrors,
} from "../../lib/registry/mod.ts";
import { FakeClock, turn } from "./fake_clock.ts";
import {
  answer,
  collect,
  descriptorOf,
  errorResponse,
  failure,
  MANIFEST,
  noise,
  OCI_LAYER,
  OCI_MANIFEST,
  readAllBytes,
  redirect,
  type Sample,
  sample,
} from "./scripted.ts";

const LARGE = noise(600_000);
const BLOB: Sample = { raw: LARGE, descriptor: descriptorOf(LARGE, OCI_LAYER) };
const OTHER = sample({ schemaVersion: 2, mediaType: OCI_MANIFEST, layers: [] }, OCI_MANIFEST);

/** Answers for one host; `undefined` means 404. */
type Host = (request: Request, path: string) => Response | Promise<Response> | undefined;

interface World {
  readonly repository: Repository;
  readonly registry: Registry;
  readonly clock: FakeClock;
  readonly events: RegistryEvent[];
  /** What was asked, as `HEAD mirror.test /v2/…`. */
  readonly seen: string[];
  readonly requests: Request[];
}

/** A registry, its mirrors, and a client that knows both. */
function world(
  hosts: Readonly<Record<string, Host>>,
  mirrors: Mirrors,
  options: MirrorOptions & { registry?: string; name?: string } = {},
): World {
  const { registry: host = "registry.test", name = "acme/app", ...rest } = options;
  const seen: string[] = [];
  const requests: Request[] = [];
  const network: Transport = async (request) => {
    const url = new URL(request.url);
    seen.push(`${request.method} ${url.host} ${url.pathname}`);
    requests.push(request);
    const serve = hosts[url.host];
    if (serve === undefined) throw new TypeError("nobody listens");
    return await serve(request, url.pathname) ?? errorResponse(404, "MANIFEST_UNKNOWN");
  };
  const clock = new FakeClock();
  const events: RegistryEvent[] = [];
  const told = { clock, onEvent: (event: RegistryEvent) => void events.push(event) };
  const transport = withMirrors(network, mirrors, { ...told, ...rest });
  const registry = new Registry(host, { transport, ...told });
  return { repository: registry.repository(name), registry, clock, events, seen, requests };
}

/** A host that has the manifest, under a tag too, and the blob. */
function holder(name = "acme/app", manifest: Sample = MANIFEST): Host {
  return (request, path) => {
    const has = (kind: string, reference: string): boolean =>
      path === `/v2/${name}/${kind}/${reference}`;
    if (has("manifests", manifest.descriptor.digest) || has("manifests", "latest")) {
      return answer(manifest, request);
    }
    if (!has("blobs", BLOB.descriptor.digest)) return undefined;
    const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.get("range") ?? "");
    if (range === null) return answer(BLOB, request);
    const [start, end] = [Number(range[1]), Number(range[2])];
    const part = { ...BLOB, raw: LARGE.slice(start, end + 1) };
    return answer(part, request, {
      "content-length": String(end + 1 - start),
      "content-range": `bytes ${start}-${end}/${LARGE.length}`,
    }, { status: 206 });
  };
}

const nothing: Host = () => undefined;

/** The hosts that were asked, each run of the same one once. */
function hostsOf({ seen }: World): string[] {
  return seen.map((line) => line.split(" ")[1] ?? "").filter((host, i, all) => host !== all[i - 1]);
}

test("what a mirror has is read there, and the registry is not asked", async () => {
  const all = world({ "mirror.test": holder() }, { "registry.test": ["mirror.test"] });
  const { repository } = all;
  assert.deepEqual(await repository.resolve("latest"), MANIFEST.descriptor);
  assert.deepEqual((await repository.manifest("latest")).raw, MANIFEST.raw);
  assert.deepEqual((await repository.manifest(MANIFEST.descriptor.digest)).raw, MANIFEST.raw);
  assert.equal(await repository.exists(BLOB.descriptor), true);
  assert.deepEqual(await readAllBytes(await repository.fetch(BLOB.descriptor)), LARGE);
  const part = await repository.fetch(BLOB.descriptor, { range: { start: 5, end: 9 } });
  assert.deepEqual(await readAllBytes(part), LARGE.slice(5, 10));
  assert.deepEqual(hostsOf(all), ["mirror.test"]);
  assert.equal(all.seen.length, 6);
});

test("the mirror is told which registry is meant, and gets no header of the client's own", async () => {
  const all = world({ "mirror.test": holder("hub/library/alpine") }, {
    "docker.io": ["mirror.test/hub"],
  }, { registry: "docker.io", name: "alpine" });
  await all.repository.manifest("latest");
  const [request] = all.requests;
  assert.ok(request);
  assert.equal(
    request.url,
    "https://mirror.test/v2/hub/library/alpine/manifests/latest?ns=docker.io",
  );
  assert.match(request.headers.get("accept") ?? "", /image\.index/);
  assert.equal(request.headers.get("authorization"), null);
});

test("the mirror is asked for the types that the registry would be asked for", async () => {
  const all = world({ "mirror.test": holder() }, { "registry.test": ["mirror.test"] });
  await all.repository.manifest("latest", { accept: [OCI_MANIFEST] });
  assert.equal(all.requests[0]?.headers.get("accept"), OCI_MANIFEST);
});

test("a body that comes with the answer to a HEAD is let go", async () => {
  let isCancelled = false;
  const talkative: Host = () => {
    const body = new ReadableStream({ cancel: () => void (isCancelled = true) });
    return new Response(body, { headers: { "content-length": String(LARGE.length) } });
  };
  const all = world({ "mirror.test": talkative }, { "registry.test": ["mirror.test"] });
  assert.equal(await all.repository.exists(BLOB.descriptor), true);
  assert.equal(isCancelled, true);
});

test("the location of a mirror stands for the beginning of names, and the longest one decides", async () => {
  const mirrors = {
    "registry.test": ["all.test"],
    "registry.test/acme": ["acme.test/copies"],
    "registry.test/acme/app": ["app.test/only"],
  };
  const hosts = { "all.test": nothing, "acme.test": nothing, "app.test": nothing };
  const asked = async (name: string): Promise<string[]> => {
    const all = world({ ...hosts, "registry.test": holder(name) }, mirrors, { name });
    await all.repository.resolve("latest");
    return all.seen.map((line) => line.slice("HEAD ".length));
  };
  const last = (name: string): string => `registry.test /v2/${name}/manifests/latest`;
  assert.deepEqual(await asked("acme/app"), [
    "app.test /v2/only/manifests/latest",
    last("acme/app"),
  ]);
  assert.deepEqual(await asked("acme/app/web"), [
    "app.test /v2/only/web/manifests/latest",
    last("acme/app/web"),
  ]);
  assert.deepEqual(await asked("acme/other"), [
    "acme.test /v2/copies/other/manifests/latest",
    last("acme/other"),
  ]);
  assert.deepEqual(await asked("acmeapp"), [
    "all.test /v2/acmeapp/manifests/latest",
    last("acmeapp"),
  ]);
});

test("a name that a mirror can have under no name of its own is asked of the registry", async () => {
  const all = world({ "registry.test": holder() }, { "registry.test/acme/app": ["mirror.test"] });
  await all.repository.resolve("latest");
  assert.deepEqual(hostsOf(all), ["registry.test"]);
});

test("mirrors are asked in their order, and then the registry", async () => {
  const hosts = { "a.test": nothing, "b.test": nothing, "registry.test": holder() };
  const all = world(hosts, { "registry.test": ["a.test", "b.test"] });
  assert.deepEqual((await all.repository.manifest("latest")).raw, MANIFEST.raw);
  assert.deepEqual(hostsOf(all), ["a.test", "b.test", "registry.test"]);
  assert.deepEqual(all.events, []);
});

test("what a mirror does not have is not asked of it again for a minute, other things are", async () => {
  const half: Host = (request, path) =>
    path.includes("/blobs/") ? holder()(request, path) : undefined;
  const hosts = { "mirror.test": half, "registry.test": holder() };
  const all = world(hosts, { "registry.test": ["mirror.test"] });
  const fetchIt = async (): Promise<string[]> => {
    all.seen.length = 0;
    await all.repository.manifest(MANIFEST.descriptor.digest);
    return hostsOf(all);
  };
  assert.deepEqual(await fetchIt(), ["mirror.test", "registry.test"]);
  assert.deepEqual(await fetchIt(), ["registry.test"]);
  assert.equal(await all.repository.exists(BLOB.descriptor), true);
  assert.deepEqual(hostsOf(all), ["registry.test", "mirror.test"]);
  await all.clock.run(new Promise<void>((resolve) => void all.clock.setTimer(60_000, resolve)));
  assert.deepEqual(await fetchIt(), ["mirror.test", "registry.test"]);
});

test("a mirror that fails is left alone for a minute, with its reason in an event", async () => {
  for (
    const broken of [
      () => errorResponse(502, "UNKNOWN"),
      () => errorResponse(429, "TOOMANYREQUESTS"),
      () => {
        throw new TypeError("connection refused");
      },
      () => new Response("<html>log in</html>", { headers: { "content-type": "text/html" } }),
    ]
  ) {
    const hosts: Record<string, Host> = { "mirror.test": broken, "registry.test": holder() };
    const all = world(hosts, { "registry.test": ["mirror.test"] });
    const read = async (): Promise<string[]> => {
      all.seen.length = 0;
      await readAllBytes(await all.repository.fetch(BLOB.descriptor));
      await all.repository.manifest("latest");
      return hostsOf(all);
    };
    assert.deepEqual(await read(), ["mirror.test", "registry.test"]);
    assert.deepEqual(all.events.map(({ type, registry }) => [type, registry]), [
      ["fallback", "mirror.test"],
    ]);
    assert.deepEqual(await read(), ["registry.test"]);
    hosts["mirror.test"] = holder();
    await all.clock.run(new Promise<void>((resolve) => void all.clock.setTimer(60_000, resolve)));
    assert.deepEqual(await read(), ["mirror.test"]);
  }
});

test("a mirror that asks for a longer pause gets it", async () => {
  const busy: Host = () => errorResponse(503, "UNAVAILABLE", { "retry-after": "90" });
  const hosts = { "mirror.test": busy, "registry.test": holder() };
  const all = world(hosts, { "registry.test": ["mirror.test"] });
  await all.repository.resolve("latest");
  await all.clock.run(new Promise<void>((resolve) => void all.clock.setTimer(80_000, resolve)));
  all.seen.length = 0;
  await all.repository.resolve("latest");
  assert.deepEqual(hostsOf(all), ["registry.test"]);
});

test("mirrors that are silent cost ten seconds together, once", async () => {
  const silent: Host = (request) =>
    new Promise((_, reject) => {
      request.signal.addEventListener("abort", () => reject(request.signal.reason));
    });
  const hosts = { "a.test": silent, "b.test": silent, "registry.test": holder() };
  const all = world(hosts, { "registry.test": ["a.test", "b.test"] });
  const started = all.clock.now();
  await all.clock.run(all.repository.resolve("latest"));
  assert.equal(all.clock.now() - started, 10_000);
  assert.deepEqual(hostsOf(all), ["a.test", "registry.test"]);
  assert.match(JSON.stringify(all.events), /no answer within 10 s/);
  all.seen.length = 0;
  await all.clock.run(all.repository.manifest(MANIFEST.descriptor.digest));
  assert.deepEqual(hostsOf(all), ["b.test", "registry.test"]);
  assert.equal(all.clock.pending, 0);
});

test("a manifest that is not what it should be is asked of the registry", async () => {
  const wrong: Host = (request, path) => {
    const named = path.endsWith("latest") ? MANIFEST.descriptor.digest : undefined;
    return answer(OTHER, request, { "docker-content-digest": named });
  };
  for (const reference of ["latest", MANIFEST.descriptor.digest]) {
    const hosts = { "mirror.test": wrong, "registry.test": holder() };
    const all = world(hosts, { "registry.test": ["mirror.test"] });
    assert.deepEqual((await all.repository.manifest(reference)).raw, MANIFEST.raw);
    assert.deepEqual(hostsOf(all), ["mirror.test", "registry.test"]);
    assert.equal(all.events.length, 1);
  }
});

test("a blob whose body breaks off goes on with the bytes of the registry", async () => {
  const cut: Host = (request) => {
    let isGiven = false;
    const body = new ReadableStream({
      pull(controller) {
        if (isGiven) return controller.error(new TypeError("connection reset"));
        isGiven = true;
        controller.enqueue(LARGE.slice(0, 300_000));
      },
    });
    return new Response(request.method === "HEAD" ? null : body, {
      headers: { "content-length": String(LARGE.length) },
    });
  };
  const hosts = { "mirror.test": cut, "registry.test": holder() };
  const all = world(hosts, { "registry.test": ["mirror.test"] });
  assert.deepEqual(await readAllBytes(await all.repository.fetch(BLOB.descriptor)), LARGE);
  assert.deepEqual(hostsOf(all), ["mirror.test", "registry.test"]);
  assert.match(all.requests[1]?.headers.get("range") ?? "", /^bytes=300000-/);
});

test("a blob that a mirror has wrong is never handed over as good", async () => {
  const wrong: Host = (request) => answer({ ...BLOB, raw: LARGE.map((byte) => byte ^ 1) }, request);
  const hosts = { "mirror.test": wrong, "registry.test": holder() };
  const all = world(hosts, { "registry.test": ["mirror.test"] });
  const error = await failure(all.repository.fetch(BLOB.descriptor).then(readAllBytes));
  assert.ok(error instanceof DigestMismatchError, String(error));
});

test("a mirror is asked for tags only, or for digests only, on request", async () => {
  const { digest } = MANIFEST.descriptor;
  const both = { "mirror.test": holder(), "registry.test": holder() };
  for (const use of ["tags", "digests"] as const) {
    const all = world(both, { "registry.test": [{ location: "mirror.test", use }] });
    await all.repository.resolve("latest");
    await all.repository.resolve(digest);
    await all.repository.exists(BLOB.descriptor);
    const [tag, other] = use === "tags"
      ? ["mirror.test", "registry.test"]
      : ["registry.test", "mirror.test"];
    assert.deepEqual(hostsOf(all), [tag, other], use);
  }
});

test("a mirror gets its own credentials, the registry its own, and a refusal holds for a repository", async () => {
  const demanding = (realm: string): Host => (request, path) => {
    const wanted = `Basic ${btoa(`${realm}:secret`)}`;
    if (request.headers.get("authorization") === wanted) return holder()(request, path);
    return errorResponse(401, "UNAUTHORIZED", { "www-authenticate": `Basic realm="${realm}"` });
  };
  const hosts = { "mirror.test": demanding("mirror"), "registry.test": demanding("registry") };
  const credentials = staticCredentials("mirror.test", {
    kind: "basic",
    username: "mirror",
    password: "secret",
  });
  const open = world(hosts, { "registry.test": ["mirror.test"] }, { credentials });
  assert.deepEqual((await open.repository.manifest("latest")).raw, MANIFEST.raw);
  assert.deepEqual(hostsOf(open), ["mirror.test"]);

  const closed = world({ ...hosts, "registry.test": holder() }, {
    "registry.test": ["mirror.test"],
  });
  await closed.repository.manifest("latest");
  await closed.repository.exists(BLOB.descriptor);
  assert.deepEqual(closed.seen.map((line) => line.split(" ")[1]), [
    "mirror.test",
    "registry.test",
    "registry.test",
  ]);
  for (const request of [...open.requests, ...closed.requests]) {
    const { host } = new URL(request.url);
    const sent = request.headers.get("authorization");
    if (sent !== null) assert.equal(atob(sent.slice("Basic ".length)), "mirror:secret", host);
  }
});

test("a mirror may lead to another host, which gets none of its credentials", async () => {
  const mirror: Host = (_, path) =>
    path.includes("/blobs/") ? redirect("https://storage.test/signed?x=1") : undefined;
  const hosts = { "mirror.test": mirror, "storage.test": (r: Request) => answer(BLOB, r) };
  const all = world(hosts, { "registry.test": ["mirror.test"] });
  assert.deepEqual(await readAllBytes(await all.repository.fetch(BLOB.descriptor)), LARGE);
  assert.deepEqual(hostsOf(all), ["mirror.test", "storage.test"]);
  assert.equal(new URL(all.requests[1]?.url ?? "").search, "?x=1");
});

test("lists, referrers and everything that writes go to the registry", async () => {
  const hosts: Record<string, Host> = {
    "mirror.test": holder(),
    "registry.test": (request, path) => {
      if (request.method === "PUT") {
        const headers = { "docker-content-digest": MANIFEST.descriptor.digest };
        return new Response(null, { status: 201, headers });
      }
      if (request.method === "DELETE") return new Response(null, { status: 202 });
      if (path.includes("/tags/")) return Response.json({ name: "acme/app", tags: ["latest"] });
      if (!path.includes("/referrers/")) return undefined;
      const index = {
        schemaVersion: 2,
        mediaType: "application/vnd.oci.image.index.v1+json",
        manifests: [],
      };
      return Response.json(index, { headers: { "content-type": index.mediaType } });
    },
  };
  const all = world(hosts, { "registry.test": ["mirror.test"] });
  const { repository } = all;
  assert.deepEqual(await collect(repository.tags()), ["latest"]);
  assert.deepEqual(await collect(repository.referrers(MANIFEST.descriptor)), []);
  await repository.push(MANIFEST.descriptor, MANIFEST.raw);
  await repository.delete(BLOB.descriptor);
  assert.deepEqual(hostsOf(all), ["registry.test"]);
});

test("other registries, and what is in nobody's mirror, are reached as ever", async () => {
  const hosts = { "other.test": holder(), "mirror.test": holder() };
  const all = world(hosts, { "registry.test": ["mirror.test"] }, { registry: "other.test" });
  await all.repository.manifest("latest");
  assert.deepEqual(hostsOf(all), ["other.test"]);
  const none = world({ "registry.test": nothing, "mirror.test": nothing }, {
    "registry.test": ["mirror.test"],
  });
  const error = await failure(none.repository.manifest("latest"));
  assert.ok(error instanceof NotFoundError, String(error));
  assert.match(error.message, /registry\.test/);
});

test("an abort ends the wait for a mirror with its reason, and asks nobody else", async () => {
  const controller = new AbortController();
  const hosts: Record<string, Host> = {
    "mirror.test": () => {
      hosts["mirror.test"] = holder();
      controller.abort(new Error("enough"));
      return new Promise(() => {});
    },
    "registry.test": holder(),
  };
  const all = world(hosts, { "registry.test": ["mirror.test"] });
  const error = await failure(all.repository.resolve("latest", { signal: controller.signal }));
  assert.equal(error, controller.signal.reason);
  await turn();
  assert.equal(all.clock.pending, 0);
  // It is no failure of the mirror.
  await all.repository.resolve("latest");
  assert.deepEqual(hostsOf(all), ["mirror.test"]);
  assert.deepEqual(all.events, []);
});

test("a scheme in front of a location decides between http and https", async () => {
  const urlOf = async (location: string, options: MirrorOptions = {}): Promise<string> => {
    const { host } = new URL(location.includes("://") ? location : `http://${location}`);
    const all = world({ [host]: holder() }, { "registry.test": [location] }, options);
    await all.repository.resolve("latest");
    return new URL(all.requests[0]?.url ?? "").origin;
  };
  assert.equal(await urlOf("mirror.test"), "https://mirror.test");
  assert.equal(await urlOf("http://mirror.test/"), "http://mirror.test");
  assert.equal(await urlOf("localhost:5000"), "http://localhost:5000");
  assert.equal(await urlOf("https://localhost:5000"), "https://localhost:5000");
});

test("locations that are none are refused before anything is sent", () => {
  for (
    const location of [
      "",
      "mirror test",
      "mirror.test/UPPER",
      "mirror.test//a",
      "ftp://mirror.test",
    ]
  ) {
    const make = (): unknown => withMirrors(fetch, { "registry.test": [location] });
    assert.throws(make, InvalidReferenceError, location);
  }
  assert.throws(() => withMirrors(fetch, { "": ["mirror.test"] }), InvalidReferenceError);
});

test("a transport keeps what it cannot do", () => {
  const traits = { streamingUpload: false };
  const plain = Object.assign(() => Promise.resolve(new Response()), { traits });
  assert.equal(withMirrors(plain, { "registry.test": ["mirror.test"] }).traits, traits);
});
