/** C1 over real sockets: what leaves the process when a registry redirects. */
import { test } from "node:test";
import assert from "node:assert/strict";
import { Registry, staticCredentials } from "../../lib/registry/mod.ts";
import { digestBytes } from "../../lib/hash/mod.ts";
import { type LoopbackServer, startServer, type WireRequest } from "./loopback.ts";

const USER = "canary-user";
const PASSWORD = "canary-password";
const BASIC = `Basic ${btoa(`${USER}:${PASSWORD}`)}`;
const MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json";

const config = new TextEncoder().encode("{}");
const raw = new TextEncoder().encode(JSON.stringify({
  schemaVersion: 2,
  mediaType: MANIFEST_TYPE,
  config: {
    mediaType: "application/vnd.oci.empty.v1+json",
    digest: digestBytes("sha256", config),
    size: 2,
  },
  layers: [],
}));
const descriptor = {
  mediaType: MANIFEST_TYPE,
  digest: digestBytes("sha256", raw),
  size: raw.byteLength,
};

function hasSecret({ headers, path }: WireRequest): boolean {
  const text = JSON.stringify(headers) + path;
  return "authorization" in headers || "cookie" in headers || text.includes("canary") ||
    text.includes(btoa(`${USER}:${PASSWORD}`));
}

/** A storage host that gives and takes everything. */
function startStorage(host = "127.0.0.1"): Promise<LoopbackServer> {
  return startServer(({ method }, response) => {
    if (method === "PUT") return void response.writeHead(201).end();
    response.writeHead(200, {
      "content-type": MANIFEST_TYPE,
      "content-length": String(raw.byteLength),
      "docker-content-digest": descriptor.digest,
    });
    response.end(method === "HEAD" ? undefined : raw);
  }, { host });
}

/** A registry that wants Basic and then sends its clients away. */
function startRegistry(location: () => string): Promise<LoopbackServer> {
  return startServer(({ headers }, response) => {
    if (headers["authorization"] !== BASIC) {
      response.writeHead(401, {
        "www-authenticate": 'Basic realm="test"',
        "set-cookie": "session=canary-cookie; Path=/",
      }).end();
      return;
    }
    response.writeHead(307, { location: location() }).end();
  });
}

const ROWS: readonly (readonly [
  name: string,
  host: string,
  location: (port: number) => string,
  isFollowed: boolean,
])[] = [
  ["the same host, another port", "127.0.0.1", (port) => `http://127.0.0.1:${port}/away`, true],
  ["a name for an address", "127.0.0.1", (port) => `http://localhost:${port}/away`, true],
  ["an address for a name", "localhost", (port) => `http://127.0.0.1:${port}/away`, true],
  ["a sub-domain", "localhost", (port) => `http://cdn.localhost:${port}/away`, false],
  ["another address of loopback", "127.0.0.1", (port) => `http://127.0.0.2:${port}/away`, false],
  ["a user name in Location", "127.0.0.1", (port) => `http://me:pw@127.0.0.1:${port}/a`, false],
];

for (const [name, host, location, isFollowed] of ROWS) {
  test(`C1 on the wire: ${name}: no secret arrives`, async () => {
    const storage = await startStorage();
    const registry = await startRegistry(() => location(storage.port));
    try {
      const repository = new Registry(`${host}:${registry.port}`, {
        credentials: staticCredentials(`${host}:${registry.port}`, {
          kind: "basic",
          username: USER,
          password: PASSWORD,
        }),
        retry: { retries: 0 },
      }).repository("acme/app");
      const calls = {
        GET: () => repository.manifest(descriptor.digest),
        HEAD: () => repository.exists(descriptor),
        PUT: () => repository.push(descriptor, raw),
      };
      for (const [method, call] of Object.entries(calls)) {
        storage.seen.length = 0;
        registry.seen.length = 0;
        const result = await call().then(() => undefined, (error: unknown) => error);
        assert.ok(
          registry.seen.some(({ headers }) => headers["authorization"] === BASIC),
          `${method}: the registry got no credentials: ${String(result)}`,
        );
        assert.deepEqual(storage.seen.filter(hasSecret), [], `${method}: secrets at ${name}`);
        // 127.0.0.2 is not an address everywhere; what matters is that nothing is told to it.
        if (host === "127.0.0.1" && name.startsWith("another address")) continue;
        assert.equal(storage.seen.length, isFollowed ? 1 : 0, `${method}: ${String(result)}`);
        assert.equal(result === undefined, isFollowed, `${method}: ${String(result)}`);
        if (method === "PUT" && isFollowed) assert.deepEqual(storage.seen[0]?.body, raw);
      }
    } finally {
      await storage.close();
      await registry.close();
    }
  });
}

test("a cookie that a registry sets is not sent back", async () => {
  const registry = await startRegistry(() => "/v2/");
  try {
    const repository = new Registry(`127.0.0.1:${registry.port}`, { retry: { retries: 0 } })
      .repository("acme/app");
    for (let i = 0; i < 3; i++) await repository.manifest("v1").catch(() => {});
    assert.deepEqual(registry.seen.filter(({ headers }) => "cookie" in headers), []);
  } finally {
    await registry.close();
  }
});

test("C11 on the wire: the path is the one that was meant", async () => {
  const storage = await startStorage();
  try {
    const name = "a-b/c__d/e.f";
    const repository = new Registry(`127.0.0.1:${storage.port}`).repository(name);
    await repository.manifest("v1.0_x-y");
    await repository.exists({ ...descriptor, mediaType: "text/plain" });
    assert.deepEqual(storage.seen.map(({ method, path }) => `${method} ${path}`), [
      `GET /v2/${name}/manifests/v1.0_x-y`,
      `HEAD /v2/${name}/blobs/${descriptor.digest}`,
    ]);
    const headers = storage.seen[0]?.headers ?? {};
    assert.match(String(headers["user-agent"]), /^lading\/\d+\.\d+\.\d+$/);
    assert.equal(headers["accept-encoding"], "identity");
    assert.doesNotMatch(String(headers["accept"]), /\*\/\*/);
  } finally {
    await storage.close();
  }
});
