import { readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join, normalize } from "node:path";
import { test } from "node:test";
import assert from "node:assert/strict";

/** Room -> floor. Imports point to a lower floor or stay in the room. */
const FLOORS: Readonly<Record<string, number>> = {
  model: 0,
  hash: 1,
  bytes: 2,
  kernel: 2,
  tar: 3,
  compress: 3,
  auth: 3,
  registry: 4,
  engine: 4,
  store: 4,
  server: 4,
  image: 5,
  ops: 6,
  dockerreg: 7,
  runtime: 8,
  testing: 8,
  cli: 9,
};

const IMPORT_REGEXP =
  /^\s*(?:import|export)\b[^"']*?\bfrom\s+["']([^"']+)["']|^\s*import\s+["']([^"']+)["']|\bimport\(\s*["']([^"']+)["']\s*\)/gm;
const PACKAGES = ["valibot", "fzstd", "#wasm"];

interface Import {
  readonly file: string;
  readonly specifier: string;
}

function sources(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts"))
    .map((path) => join(folder, path))
    .sort();
}

function imports(file: string): Import[] {
  const text = readFileSync(file, "utf8").replace(/\/\*[\s\S]*?\*\//g, "");
  return [...text.matchAll(IMPORT_REGEXP)].map((found) => ({
    file,
    specifier: found[1] ?? found[2] ?? found[3] ?? "",
  }));
}

function roomOf(path: string): string {
  return path.split("/")[1] ?? "";
}

const all = sources("lib").flatMap(imports);

test("every room of lib stands on a floor", () => {
  const rooms = readdirSync("lib");
  assert.deepEqual(rooms.filter((room) => FLOORS[room] === undefined), []);
  assert.ok(all.length > 200, `only ${all.length} imports were found`);
});

test("imports point down, and siblings never import one another", () => {
  const wrong = all.filter(({ specifier }) => specifier.startsWith(".")).map((item) => ({
    ...item,
    target: normalize(join(dirname(item.file), item.specifier)),
  })).filter(({ file, target }) => {
    if (!target.startsWith("lib/")) return true;
    const from = roomOf(file);
    const to = roomOf(target);
    return from !== to && !((FLOORS[from] ?? -1) > (FLOORS[to] ?? 99));
  });
  assert.deepEqual(wrong, []);
});

test("private files are imported from their own folder only", () => {
  const wrong = all.filter(({ specifier }) =>
    /\/_[^/]+\.ts$/.test(specifier) && !/^\.\/_[^/]+$/.test(specifier)
  );
  assert.deepEqual(wrong, []);
});

test("runtime modules are imported in lib/runtime and lib/cli only", () => {
  const wrong = all.filter(({ file, specifier }) =>
    /^(node|cloudflare|bun|deno|jsr|npm):/.test(specifier) &&
    !/^lib\/(runtime|cli)\//.test(file)
  );
  assert.deepEqual(wrong, []);
});

test("runtime globals are named in lib/runtime and lib/cli only", () => {
  const wrong = sources("lib").filter((file) => !/^lib\/(runtime|cli)\//.test(file)).filter(
    (file) => {
      const code = readFileSync(file, "utf8").replace(/\/\*[\s\S]*?\*\//g, "").replace(
        /\/\/.*$/gm,
        "",
      );
      return /\b(Deno|Bun|Buffer)\b\s*[.(]/.test(code);
    },
  );
  assert.deepEqual(wrong, []);
});

test("lib imports no package but the ones that are named in package.json", () => {
  const wrong = all.filter(({ specifier }) =>
    !specifier.startsWith(".") && !specifier.startsWith("node:") && !PACKAGES.includes(specifier)
  );
  assert.deepEqual(wrong, []);
});

/** What an image and a repository lead back to: public fields, known by their types alone. */
const KNOWN_FROM_BELOW = new Set(["docker_registry.ts", "docker_repository.ts"]);

test("no two files of lib import each other in a circle, types included", () => {
  const graph = new Map<string, string[]>();
  for (const { file, specifier } of all) {
    if (!specifier.startsWith(".")) continue;
    const target = normalize(join(dirname(file), specifier));
    graph.set(file, [...graph.get(file) ?? [], target]);
  }
  const isKnownFromBelow = (file: string, target: string): boolean => {
    const name = basename(target);
    return KNOWN_FROM_BELOW.has(name) &&
      new RegExp(`^import type [^;]*"./${name}"`, "m").test(readFileSync(file, "utf8"));
  };
  const done = new Set<string>();
  const circles: string[] = [];
  const visit = (file: string, path: readonly string[]): void => {
    if (path.includes(file)) {
      circles.push([...path.slice(path.indexOf(file)), file].join(" > "));
      return;
    }
    if (done.has(file)) return;
    for (const target of graph.get(file) ?? []) {
      if (!isKnownFromBelow(file, target)) visit(target, [...path, file]);
    }
    done.add(file);
  };
  for (const file of graph.keys()) visit(file, []);
  assert.deepEqual(circles, []);
});
