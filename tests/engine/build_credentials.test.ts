import assert from "node:assert/strict";
import { test } from "node:test";
import { eventsOf, type Sent } from "./scripted.ts";
import { building, built } from "./scripted_build.ts";

/** The header that a build sends, decoded. */
function configOf(sent: Sent | undefined): Record<string, unknown> | undefined {
  const header = sent?.headers.get("x-registry-config");
  if (header === null || header === undefined) return undefined;
  assert.equal(header.length % 4, 0, "it is padded");
  assert.match(header, /^[A-Za-z0-9_=-]+$/);
  const text = atob(header.replaceAll("-", "+").replaceAll("_", "/"));
  return JSON.parse(new TextDecoder().decode(Uint8Array.from(text, (c) => c.charCodeAt(0))));
}

test("credentials go along for the registries that the Dockerfile names, and no others", async () => {
  const asked: string[] = [];
  const credentials = ({ registry }: { readonly registry: string }) => {
    asked.push(registry);
    if (registry === "broken.test") return Promise.reject(new Error("the helper is broken"));
    if (registry === "none.test") return Promise.resolve({ kind: "anonymous" as const });
    return Promise.resolve({
      kind: "basic" as const,
      username: "u",
      password: "GR?XGR?XGR?XGR?X",
    });
  };
  const dockerfile = [
    "# escape=\\",
    "ARG BASE=given.test/x",
    "ARG TAG=1",
    "ARG UNSET",
    "FROM --platform=$BUILDPLATFORM ${BASE}:${TAG} AS first",
    "FROM first AS second",
    "FROM \\",
    "  # a comment in the middle",
    "  broken.test/y",
    "FROM ${UNSET:-none.test}/z AS third",
    "COPY --from=first a b",
    "COPY --from=0 a b",
    "COPY --from=copied.test:5000/w a b",
    "FROM scratch",
    "FROM busybox",
    "FROM $NOWHERE/$",
    "RUN echo FROM elsewhere.test/x",
  ].join("\n");
  const { engine, sent } = building(built, { credentials });
  const build = engine.images.build({ dockerfile }, { buildArgs: { BASE: "arg.test/x" } });
  const events = await eventsOf(build);
  assert.deepEqual(asked.sort(), [
    "arg.test",
    "broken.test",
    "copied.test:5000",
    "docker.io",
    "none.test",
  ]);
  const basic = (serveraddress: string) => ({
    username: "u",
    password: "GR?XGR?XGR?XGR?X",
    serveraddress,
  });
  assert.deepEqual(configOf(sent[0]), {
    "arg.test": basic("arg.test"),
    "copied.test:5000": basic("copied.test:5000"),
    "https://index.docker.io/v1/": basic("https://index.docker.io/v1/"),
  });
  const told = events.find(({ type }) => type === "status");
  assert.match(JSON.stringify(told), /no credentials for broken\.test: the helper is broken/);
});

test("credentials of the call go before those of the machine; for a URL registries are named", async () => {
  const asked: string[] = [];
  const credentials = ({ registry }: { readonly registry: string }) => {
    asked.push(registry);
    return Promise.resolve({ kind: "identity-token" as const, token: "t" });
  };
  const { engine, sent } = building(built, { credentials });
  await engine.images.build("https://example.com/x.git");
  assert.equal(configOf(sent[0]), undefined);
  await engine.images.build("https://example.com/x.git", {
    registries: ["docker.io", "a.test"],
    credentials: {
      "https://a.test/v1/": { kind: "registry-token", token: "r" },
      "https://index.docker.io/v1/": { kind: "basic", username: "é", password: "ü" },
    },
  });
  assert.deepEqual(asked, []);
  assert.deepEqual(configOf(sent[2]), {
    "https://index.docker.io/v1/": {
      username: "é",
      password: "ü",
      serveraddress: "https://index.docker.io/v1/",
    },
    "a.test": { registrytoken: "r", serveraddress: "a.test" },
  });
  await engine.images.build({ dockerfile: "FROM busybox" }, { registries: [] });
  assert.deepEqual(asked, []);
  await engine.images.build({ dockerfile: "FROM busybox" });
  assert.deepEqual(asked, ["docker.io"]);
});
