import assert from "node:assert/strict";
import { test } from "node:test";
import { parseDockerignore } from "../../lib/engine/dockerignore.ts";
import { memoryFileSystem } from "../../lib/store/memory_file_system.ts";
import { corpusJSON } from "../support/corpus.ts";
import { names, open, tree, writeFile } from "./contexts.ts";

test("what .dockerignore leaves of a tree is what the docker command sends", async () => {
  const table = await corpusJSON<{
    dirs: readonly string[];
    files: readonly string[];
    cases: readonly {
      patterns: readonly string[];
      dockerfile: string | null;
      kept: readonly string[];
    }[];
  }>("tables/dockerignore-tree.json");
  assert.equal(table.cases.length, 32);
  for (const { patterns, dockerfile, kept } of table.cases) {
    const fs = memoryFileSystem();
    for (const name of table.dirs) await fs.makeDirectory(`ctx/${name}`, { recursive: true });
    for (const name of table.files) {
      await writeFile(fs, `ctx/${name}`, name === ".dockerignore" ? patterns.join("\n") : name);
    }
    const opened = await open("ctx", fs, { dockerfile: dockerfile ?? undefined });
    assert.deepEqual((await names(opened)).sort(), [...kept].sort(), patterns.join(" "));
  }
});

test("the exclusions that docker-py tests leave the same", async () => {
  const fs = await tree({ "Dockerfile": "", "a.py": "", "b.py": "", "a/b.py": "", "c.py": "" });
  const rows: readonly (readonly [readonly string[], readonly string[]])[] = [
    [["!a.py"], ["Dockerfile", "a", "a/b.py", "a.py", "b.py", "c.py"]],
    [parseDockerignore("/*\n!/*.py\n"), [
      "Dockerfile",
      "a.py",
      "b.py",
      "c.py",
    ]],
    [["*", "!*/b.py"], ["Dockerfile"]],
    [["../a.py", "b.py"], ["Dockerfile", "a", "a/b.py", "a.py", "c.py"]],
  ];
  for (const [ignore, wanted] of rows) {
    const found = (await names(await open("ctx", fs, { ignore }))).sort();
    assert.deepEqual(found, [...wanted].sort(), ignore.join(" "));
  }
  const readme = await tree({
    "Dockerfile": "",
    "README.md": "",
    "README-bis.md": "",
    "README-secret.md": "",
  });
  const ignore = ["*.md", "!README*.md", "README-secret.md"];
  assert.deepEqual(await names(await open("ctx", readme, { ignore })), [
    "Dockerfile",
    "README-bis.md",
    "README.md",
  ]);
});

test("BuildKit's own .dockerignore of a Dockerfile wins, the classic builder knows none", async () => {
  const fs = await tree({ "D": "", "D.dockerignore": "a", ".dockerignore": "b", a: "", b: "" });
  const buildKit = await open("ctx", fs, { dockerfile: "D", isBuildKit: true });
  assert.deepEqual(await names(buildKit), [".dockerignore", "D", "D.dockerignore", "b"]);
  const classic = await open("ctx", fs, { dockerfile: "D" });
  assert.deepEqual(await names(classic), [".dockerignore", "D", "D.dockerignore", "a"]);
  const given = await open("ctx", fs, { dockerfile: "D", ignore: ["*"] });
  assert.deepEqual(await names(given), [".dockerignore", "D"]);
});

test("patterns for what is no directory are refused: what should be left out would be sent", async () => {
  const ignore = ["secret"];
  for (
    const context of [
      { entries: [{ path: "secret", body: "" }] },
      { dockerfile: "FROM scratch" },
      new Uint8Array(),
      { remote: "https://example.com/x" },
      "https://example.com/x",
    ]
  ) {
    await assert.rejects(open(context, undefined, { ignore }), TypeError);
  }
});
