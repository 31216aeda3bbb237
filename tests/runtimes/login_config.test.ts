/** The configuration file on a real disk: written whole or not at all, by many at a time. */
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import assert from "node:assert/strict";
import { storeCredentials, storeInDockerConfig } from "../../lib/auth/mod.ts";
import { InvalidConfigError } from "../../lib/model/errors.ts";
import { detectRuntime } from "../../lib/runtime/detect.ts";
import { dockerConfigFile } from "../../lib/runtime/docker_config_file.ts";
import { nodeFileSystem } from "../../lib/runtime/node_file_system.ts";
import { type FileSystem, FileSystemError, memoryFileSystem } from "../../lib/store/mod.ts";
import { faultyFileSystem } from "../store/faulty_file_system.ts";
import { start } from "./lading_process.ts";

const BASIC = { kind: "basic", username: "u", password: "p" } as const;
const SECRET = /CANARY|Q0FOQVJZ/;

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "lading-login-")));
  try {
    await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const addTo = (registry: string) => (text: string) => storeInDockerConfig(text, registry, BASIC);
const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);
const keysOf = (text: string) => Object.keys(JSON.parse(text).auths);

test("dockerConfigFile() makes the folder and the file for their owner alone", () =>
  inFolder(async (folder) => {
    const path = join(folder, "home/.docker/config.json");
    const file = dockerConfigFile(path);
    assert.equal(await file.read(), "");
    assert.equal(await file.update((text) => text), false);
    assert.ok(!existsSync(join(folder, "home")), "nothing to write makes nothing");
    assert.equal(await file.update(addTo("r.example")), true);
    assert.equal(modeOf(path), "600");
    assert.equal(modeOf(join(folder, "home/.docker")), "700");
    assert.deepEqual(readdirSync(join(folder, "home/.docker")), ["config.json"]);
    assert.deepEqual(keysOf(await file.read()), ["r.example"]);
  }));

test("dockerConfigFile() takes the rights of others away from a file that is changed", () =>
  inFolder(async (folder) => {
    const path = join(folder, "config.json");
    writeFileSync(path, "{}");
    chmodSync(path, 0o644);
    const file = dockerConfigFile(path);
    await file.update((text) => text);
    assert.equal(modeOf(path), "644", "an unchanged file is not touched");
    await file.update(addTo("r.example"));
    assert.equal(modeOf(path), "600");
  }));

test("dockerConfigFile() writes to where a symbolic link leads, and keeps the link", () =>
  inFolder(async (folder) => {
    mkdirSync(join(folder, "dotfiles"));
    mkdirSync(join(folder, ".docker"));
    const target = join(folder, "dotfiles/config.json");
    const link = join(folder, ".docker/config.json");
    writeFileSync(target, '{"a":1}');
    symlinkSync("../dotfiles/second", link);
    symlinkSync(target, join(folder, "dotfiles/second"));
    await dockerConfigFile(link).update(addTo("r.example"));
    assert.ok(lstatSync(link).isSymbolicLink());
    assert.equal(readlinkSync(link), "../dotfiles/second");
    assert.ok(lstatSync(target).isFile());
    assert.deepEqual(keysOf(readFileSync(target, "utf8")), ["r.example"]);
    assert.deepEqual(readdirSync(join(folder, ".docker")), ["config.json"]);
    assert.deepEqual(readdirSync(join(folder, "dotfiles")).sort(), ["config.json", "second"]);
  }));

test("dockerConfigFile() makes the file that a dangling link leads to", () =>
  inFolder(async (folder) => {
    const link = join(folder, "config.json");
    symlinkSync("new/real.json", link);
    await dockerConfigFile(link).update(addTo("r.example"));
    assert.ok(lstatSync(link).isSymbolicLink());
    assert.equal(modeOf(join(folder, "new/real.json")), "600");
  }));

test("dockerConfigFile() refuses links that lead in a circle, folders, and what is no text", () =>
  inFolder(async (folder) => {
    symlinkSync("b", join(folder, "a"));
    symlinkSync("a", join(folder, "b"));
    await assert.rejects(dockerConfigFile(join(folder, "a")).update(addTo("r")), FileSystemError);
    mkdirSync(join(folder, "folder"));
    await assert.rejects(dockerConfigFile(join(folder, "folder")).update(addTo("r")), {
      reason: "is-directory",
    });
    writeFileSync(join(folder, "latin"), Buffer.from([0x7b, 0xff, 0x7d]));
    await assert.rejects(dockerConfigFile(join(folder, "latin")).read(), InvalidConfigError);
    assert.deepEqual(readdirSync(folder).sort(), ["a", "b", "folder", "latin"]);
  }));

test("eight logins at the same time lose none of each other", () =>
  inFolder(async (folder) => {
    const path = join(folder, "config.json");
    writeFileSync(path, '{\n  "keep": 12345678901234567890\n}\n');
    const names = Array.from({ length: 8 }, (_, i) => `r${i}.example`);
    await Promise.all(
      names.map((name) => storeCredentials(dockerConfigFile(path), name, BASIC)),
    );
    const text = readFileSync(path, "utf8");
    assert.deepEqual(keysOf(text).sort(), names);
    assert.match(text, /"keep": 12345678901234567890,/);
    assert.deepEqual(readdirSync(folder), ["config.json"]);
  }));

test("logins of several processes at the same time lose none of each other", () =>
  inFolder(async (folder) => {
    const path = join(folder, "config.json");
    const extension = import.meta.url.endsWith(".js") ? "js" : "ts";
    const module = (name: string) =>
      JSON.stringify(new URL(`../../lib/${name}.${extension}`, import.meta.url).href);
    const script = join(folder, "login.mjs");
    writeFileSync(
      script,
      `import { storeCredentials } from ${module("auth/docker_config_store")};
import { dockerConfigFile } from ${module("runtime/docker_config_file")};
const file = dockerConfigFile(${JSON.stringify(path)});
for (let i = 0; i < 5; i++) {
  const credentials = { kind: "basic", username: "u", password: "p" };
  await storeCredentials(file, "r" + process.argv[2] + i + ".example", credentials);
}`,
    );
    const run = detectRuntime() === "deno" ? ["run", "--quiet", "-A", "--no-check"] : [];
    const ended = await Promise.all(
      ["a", "b", "c"].map((name) => start([process.execPath, ...run, script, name]).ended),
    );
    for (const { code, stderr } of ended) assert.equal(code, 0, stderr);
    assert.equal(keysOf(readFileSync(path, "utf8")).length, 15);
    assert.deepEqual(readdirSync(folder).sort(), ["config.json", "login.mjs"]);
  }));

test("a lock that a crash has left is broken after a while, and its owner publishes nothing", () =>
  inFolder(async (folder) => {
    const path = join(folder, "config.json");
    const lock = `${path}.lock`;
    mkdirSync(lock);
    writeFileSync(join(lock, "dead"), '{"half');
    const start = Date.now();
    await dockerConfigFile(path).update(addTo("r.example"));
    assert.ok(Date.now() - start > 2_500, "not before it is sure to be dead");
    assert.deepEqual(readdirSync(folder), ["config.json"]);
    assert.deepEqual(keysOf(readFileSync(path, "utf8")), ["r.example"]);
  }));

test("an empty lock folder is in nobody's way", () =>
  inFolder(async (folder) => {
    const path = join(folder, "config.json");
    mkdirSync(`${path}.lock`);
    const start = Date.now();
    await dockerConfigFile(path).update(addTo("r.example"));
    assert.ok(Date.now() - start < 2_000);
    assert.deepEqual(readdirSync(folder), ["config.json"]);
  }));

test("a writer that was taken for dead begins again from the file of then", () =>
  inFolder(async (folder) => {
    const path = join(folder, "config.json");
    const disk = nodeFileSystem();
    let isBroken = false;
    // While the first one writes, somebody breaks its lock and logs in.
    const slow: FileSystem = new Proxy(disk, {
      get(target, name, receiver) {
        if (name !== "rename") {
          const value: unknown = Reflect.get(target, name, receiver);
          return typeof value === "function" ? value.bind(target) : value;
        }
        return async (from: string, to: string) => {
          if (to !== path || isBroken) return await disk.rename(from, to);
          isBroken = true;
          await disk.remove(from);
          await disk.remove(`${path}.lock`);
          await dockerConfigFile(path).update(addTo("other.example"));
          await disk.rename(from, to);
        };
      },
    });
    await dockerConfigFile(path, slow).update(addTo("r.example"));
    assert.deepEqual(keysOf(readFileSync(path, "utf8")), ["other.example", "r.example"]);
  }));

test("who waits for a lock leaves by its signal", () =>
  inFolder(async (folder) => {
    const path = join(folder, "config.json");
    mkdirSync(`${path}.lock`);
    writeFileSync(join(`${path}.lock`, "held"), "");
    const beat = setInterval(() => utimesSync(join(`${path}.lock`, "held"), 1, 1), 50);
    const reason = new Error("enough");
    const signal = AbortSignal.timeout(100);
    const controller = new AbortController();
    signal.addEventListener("abort", () => controller.abort(reason));
    await assert.rejects(
      dockerConfigFile(path).update(addTo("r.example"), controller.signal),
      (error: unknown) => error === reason,
    );
    clearInterval(beat);
    assert.ok(!existsSync(path));
  }));

test("a login that fails at any step leaves the file as it was, or as it shall be", async () => {
  const before = '{"auths":{"old.example":{"auth":"Q0FOQVJZ"}},"keep":1}';
  const after = storeInDockerConfig(before, "r.example", BASIC);
  let steps = 0;
  for (let failAt = 1;; failAt++) {
    const memory = memoryFileSystem();
    await memory.makeDirectory("/docker");
    const writer = await memory.create("/docker/config.json");
    await writer.write(new TextEncoder().encode(before));
    await writer.close();
    const faulty = faultyFileSystem(memory, failAt, "no-space");
    const file = dockerConfigFile("/docker/config.json", faulty.fs);
    const outcome = await file.update(addTo("r.example")).then(() => undefined, (error) => error);
    const now = await dockerConfigFile("/docker/config.json", memory).read();
    const what = `${failAt}: ${faulty.failed()}`;
    assert.ok(now === before || now === after, what);
    if (outcome === undefined) assert.equal(now, after, what);
    else {
      assert.ok(outcome instanceof FileSystemError && outcome.reason === "no-space", what);
      assert.doesNotMatch(`${outcome.stack}${JSON.stringify(outcome)}`, SECRET);
    }
    // What is left of a failed try is in nobody's way.
    await dockerConfigFile("/docker/config.json", memory).update(addTo("next.example"));
    const names = (await memory.readDirectory("/docker")).map(({ name }) => name);
    assert.deepEqual(names, ["config.json"], what);
    if (faulty.failed() === undefined) break;
    steps = failAt;
  }
  assert.ok(steps > 15, `${steps}`);
});

test(
  "a full disk harms no login that is there",
  { skip: !existsSync("/dev/full") },
  () =>
    inFolder(async (folder) => {
      const path = join(folder, "config.json");
      writeFileSync(path, '{"auths":{"old.example":{"auth":"Q0FOQVJZ"}}}');
      const disk = nodeFileSystem();
      // Every new file is the device that is always full.
      const full: FileSystem = new Proxy(disk, {
        get(target, name, receiver) {
          if (name === "create") {
            return (from: string, options?: { readonly truncate?: boolean }) =>
              options?.truncate === true
                ? disk.create("/dev/full", options)
                : disk.create(from, options);
          }
          const value: unknown = Reflect.get(target, name, receiver);
          return typeof value === "function" ? value.bind(target) : value;
        },
      });
      await assert.rejects(dockerConfigFile(path, full).update(addTo("r.example")), {
        reason: "no-space",
      });
      assert.deepEqual(keysOf(readFileSync(path, "utf8")), ["old.example"]);
      assert.deepEqual(readdirSync(folder), ["config.json"]);
    }),
);
