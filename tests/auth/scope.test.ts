import { test } from "node:test";
import assert from "node:assert/strict";
import {
  coversScopes,
  formatScope,
  mergeScopes,
  parseScope,
  repositoryScope,
  scopeKey,
} from "../../lib/auth/mod.ts";
import { corpusJSON } from "../support/corpus.ts";

interface Row {
  readonly name: string;
  readonly repository: string;
  readonly actions: readonly string[] | null;
  readonly scope: string | null;
}

test("repositoryScope() makes the scopes that oras-go makes", async () => {
  const { scopes } = await corpusJSON<{ scopes: Row[] }>("tables/auth-challenge.json");
  for (const { name, repository, actions, scope } of scopes) {
    assert.equal(repositoryScope(repository, actions ?? []) ?? null, scope, name);
  }
  assert.equal(scopes.length, 9);
});

test("parseScope() splits at the first and the last colon", () => {
  assert.deepEqual(parseScope("repository:localhost:5000/a/b:pull,push"), {
    type: "repository",
    name: "localhost:5000/a/b",
    actions: ["pull", "push"],
  });
  assert.deepEqual(parseScope("registry:catalog:*"), {
    type: "registry",
    name: "catalog",
    actions: ["*"],
  });
  assert.equal(parseScope("repository(plugin):a/b:pull")?.type, "repository(plugin)");
  for (const text of ["", "aws", "a:b", ":a:pull", "repository::pull", "repository:a:", "a:b:,"]) {
    assert.equal(parseScope(text), undefined, text);
  }
});

test("formatScope() writes actions once and sorted", () => {
  const scope = { type: "repository", name: "a", actions: ["push", "pull", "push"] };
  assert.equal(formatScope(scope), "repository:a:pull,push");
});

test("mergeScopes() unites the actions on one resource and keeps the order of resources", () => {
  assert.deepEqual(
    mergeScopes([
      "repository:b:push",
      "repository:a:pull repository:b:pull",
      "registry:catalog:*",
      "repository:a:pull",
    ]),
    ["repository:b:pull,push", "repository:a:pull", "registry:catalog:*"],
  );
  assert.deepEqual(mergeScopes(["repository:a:pull,*,push"]), ["repository:a:*"]);
  assert.deepEqual(mergeScopes(["repository:a:*", "repository:a:delete"]), ["repository:a:*"]);
  assert.deepEqual(mergeScopes(["aws", "https://x.example/auth", "aws"]), [
    "aws",
    "https://x.example/auth",
  ]);
  assert.deepEqual(mergeScopes([]), []);
  assert.deepEqual(mergeScopes(["__proto__:__proto__:pull"]), ["__proto__:__proto__:pull"]);
});

test("scopeKey() does not depend on the order", () => {
  assert.equal(
    scopeKey(["repository:b:push,pull", "repository:a:pull"]),
    scopeKey(["repository:a:pull", "repository:b:pull", "repository:b:push"]),
  );
  assert.notEqual(scopeKey(["repository:a:pull"]), scopeKey(["repository:a:delete"]));
});

test("coversScopes() lets more serve for less and not the other way", () => {
  const covers = (granted: string[], wanted: string[], expected: boolean) =>
    assert.equal(coversScopes(granted, wanted), expected, `${granted} for ${wanted}`);
  covers(["repository:a:pull,push"], ["repository:a:pull"], true);
  covers(["repository:a:pull"], ["repository:a:pull,push"], false);
  covers(["repository:a:*"], ["repository:a:delete"], true);
  covers(["repository:a:pull,push,delete"], ["repository:a:*"], false);
  covers(["repository:a:pull"], ["repository:b:pull"], false);
  covers(["repository:a:pull"], ["registry:a:pull"], false);
  covers(["repository:a:pull", "repository:b:pull"], ["repository:b:pull"], true);
  covers(["repository:a:pull"], [], true);
  covers([], ["repository:a:pull"], false);
  covers(["aws"], ["aws"], true);
  covers(["aws"], ["gcp"], false);
});
