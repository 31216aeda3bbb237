import { test } from "node:test";
import assert from "node:assert/strict";
import { ImageNotFoundError, InvalidReferenceError } from "../../lib/engine/mod.ts";
import { failure, inspected, json, scripted } from "./scripted.ts";

const SLSA = "https://slsa.dev/provenance/v1";
const DESCRIPTOR = {
  mediaType: "application/vnd.in-toto+json",
  digest: `sha256:${"5f".repeat(32)}`,
  size: 42,
};

test("attestations() asks for platform, types and statements, and reads the reply", async () => {
  const statement = { _type: "https://in-toto.io/Statement/v1", predicateType: SLSA };
  const { engine, sent } = scripted(
    () =>
      json([
        { Descriptor: { ...DESCRIPTOR, extra: 1 }, PredicateType: SLSA, Statement: statement },
        { Descriptor: null, PredicateType: "https://spdx.dev/Document" },
      ]),
    { speaks: "1.55" },
  );
  const found = await engine.images.attestations("app:1", {
    platform: "linux/arm64",
    types: [SLSA, "https://spdx.dev/Document"],
    statements: true,
  });
  assert.deepEqual(found, [
    { descriptor: DESCRIPTOR, predicateType: SLSA, statement },
    {
      descriptor: undefined,
      predicateType: "https://spdx.dev/Document",
      statement: undefined,
    },
  ]);
  await engine.images.attestations("app:1");
  assert.deepEqual(sent.map(({ path, query }) => [path, ...query]), [
    [
      "/images/app:1/attestations",
      ["platform", '{"architecture":"arm64","os":"linux"}'],
      ["type", SLSA],
      ["type", "https://spdx.dev/Document"],
      ["statement", "1"],
    ],
    ["/images/app:1/attestations"],
  ]);
});

test("a handle asks for the attestations of its ID; none are an empty list", async () => {
  const { engine, sent } = scripted(
    ({ path }) => json(path.endsWith("/json") ? inspected() : null),
    { speaks: "1.55" },
  );
  const image = await engine.images.get("app:1");
  assert.deepEqual(await image.attestations(), []);
  assert.equal(sent.at(-1)?.path, `/images/${image.id}/attestations`);
});

test("attestations() refuses what is no name, type or platform before it asks", async () => {
  const { engine, sent } = scripted(() => json([]), { speaks: "1.55" });
  const { images } = engine;
  assert.ok(await failure(images.attestations("../info")) instanceof InvalidReferenceError);
  for (const type of ["", " ", "a\nb"]) {
    assert.ok(await failure(images.attestations("a", { types: [type] })) instanceof TypeError);
  }
  const platform = await failure(images.attestations("a", { platform: "no/such/platform/x" }));
  assert.equal(platform["code"], "INVALID_PLATFORM");
  assert.deepEqual(sent, []);
});

test("attestations() fails as engines do that keep none, or have no such image", async () => {
  const answers = [
    json({ message: "not implemented" }, { status: 501 }),
    json({ message: "No such image: a:latest" }, { status: 404 }),
  ];
  const { engine } = scripted(() => answers.shift(), { speaks: "1.55" });
  const refused = await failure(engine.images.attestations("a"));
  assert.equal(refused["code"], "ENGINE_ERROR");
  assert.equal(refused["status"], 501);
  assert.ok(await failure(engine.images.attestations("a")) instanceof ImageNotFoundError);
});
