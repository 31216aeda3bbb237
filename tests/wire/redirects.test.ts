/** C1 over real sockets where no server can be started: what leaves a Worker or a page. */
import { test } from "node:test";
import assert from "node:assert/strict";
import {
  fetchManifest,
  Registry,
  type Repository,
  staticCredentials,
} from "../../lib/registry/mod.ts";
import { MANIFEST, readAllBytes } from "../registry/scripted.ts";
import { startCase, type WireRequest } from "./wire.ts";

const CREDENTIALS = {
  kind: "basic",
  username: "canary-user",
  password: "canary-password",
} as const;
const PAIR = btoa(`${CREDENTIALS.username}:${CREDENTIALS.password}`);

/** Browsers follow redirects by themselves, and do not tell where they lead: none is refused. */
const isBrowser = "document" in globalThis;

const ROWS: readonly (readonly [
  name: string,
  host: string,
  location: string,
  isFollowed: boolean,
])[] = [
  ["the same host, another port", "127.0.0.1", "http://127.0.0.1:PORT/ID/away", true],
  ["a name for an address", "127.0.0.1", "http://localhost:PORT/ID/away", true],
  ["an address for a name", "localhost", "http://127.0.0.1:PORT/ID/away", true],
  ["a sub-domain", "localhost", "http://cdn.localhost:PORT/ID/away", false],
  ["another address of loopback", "127.0.0.1", "http://127.0.0.2:PORT/ID/away", false],
  ["a user name in Location", "127.0.0.1", "http://me:pw@127.0.0.1:PORT/ID/away", false],
];

const { descriptor, raw } = MANIFEST;
const blob = { ...descriptor, mediaType: "application/octet-stream" };

const CALLS: Readonly<Record<string, (repository: Repository) => Promise<unknown>>> = {
  "GET of a manifest": (repository) => repository.manifest(descriptor.digest),
  "GET of a blob": (repository) => repository.fetch(blob).then(readAllBytes),
  "GET of a range": (repository) =>
    repository.fetch(blob, { range: { start: 1, end: 9 } }).then(readAllBytes),
  "HEAD": (repository) => repository.exists(descriptor),
  "PUT of a manifest": (repository) => repository.push(descriptor, raw),
  "PUT of a blob": (repository) => repository.push(blob, raw),
};

function hasSecret({ headers, path }: WireRequest): boolean {
  const text = JSON.stringify(headers) + path;
  return "authorization" in headers || "cookie" in headers || text.includes("canary") ||
    text.includes(PAIR);
}

for (const [name, host, location, isFollowed] of ROWS) {
  test(`C1 on the wire: ${name}: no secret arrives`, async () => {
    for (const [what, call] of Object.entries(CALLS)) {
      const { id, registry, seen } = await startCase({
        authorization: `Basic ${PAIR}`,
        location,
        type: descriptor.mediaType,
        content: new TextDecoder().decode(raw),
      });
      const repository = new Registry(`${host}:${registry}`, {
        credentials: staticCredentials(`${host}:${registry}`, CREDENTIALS),
        headers: { "x-registry-auth": "canary-header" },
        retry: { retries: 0 },
      }).repository(`${id}/app`);
      const result = await call(repository).then(() => undefined, (error: unknown) => error);
      const requests = (await seen()).filter(({ method }) => method !== "OPTIONS");
      assert.ok(
        requests.some(({ where, headers }) =>
          where === "registry" && headers["authorization"] === `Basic ${PAIR}`
        ),
        `${what}: the registry got no credentials: ${String(result)}`,
      );
      const away = requests.filter(({ where }) => where === "storage");
      assert.deepEqual(away.filter(hasSecret), [], `${what}: secrets at ${name}`);
      if (isBrowser) continue;
      assert.equal(away.length, isFollowed ? 1 : 0, `${what}: ${String(result)}`);
      assert.equal(result === undefined, isFollowed, `${what}: ${String(result)}`);
      if (what.startsWith("PUT") && isFollowed) {
        assert.equal(away[0]?.body, new TextDecoder().decode(raw), what);
      }
    }
  });
}

test("C1 on the wire: fetchManifest() takes no secret along either", async () => {
  const { id, registry, seen } = await startCase({
    authorization: `Basic ${PAIR}`,
    location: "http://127.0.0.1:PORT/ID/away",
    type: descriptor.mediaType,
    content: new TextDecoder().decode(raw),
  });
  const manifest = await fetchManifest(`127.0.0.1:${registry}/${id}/app@${descriptor.digest}`, {
    credentials: staticCredentials(`127.0.0.1:${registry}`, CREDENTIALS),
    headers: { "x-registry-auth": "canary-header" },
  });
  assert.equal(manifest.descriptor.digest, descriptor.digest);
  const away = (await seen()).filter(({ where, method }) =>
    where === "storage" && method !== "OPTIONS"
  );
  assert.equal(away.length, 1);
  assert.deepEqual(away.filter(hasSecret), []);
});

test("a cookie that a registry sets is not sent back", async () => {
  const { id, registry, seen } = await startCase({
    authorization: "nothing will do",
    location: "",
    type: "",
    content: "",
  });
  const repository = new Registry(`127.0.0.1:${registry}`, { retry: { retries: 0 } })
    .repository(`${id}/app`);
  for (let i = 0; i < 3; i++) await repository.manifest("v1").catch(() => {});
  const requests = await seen();
  assert.ok(requests.length >= 3);
  assert.deepEqual(requests.filter(({ headers }) => "cookie" in headers), []);
});
