import { readFileSync } from "node:fs";
import { test } from "node:test";
import assert from "node:assert/strict";
import { USER_AGENT } from "../../lib/registry/user_agent.ts";

test("the User-Agent names the version of the package", () => {
  const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };
  assert.equal(USER_AGENT, `lading/${version}`);
});
