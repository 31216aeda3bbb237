import { test } from "node:test";
import assert from "node:assert/strict";
import { inShell, lading } from "./lading_process.ts";

/** What bash offers for a command line whose last word is being written. */
async function offered(...words: readonly string[]): Promise<string[]> {
  const { code, stdout, stderr } = await inShell(`
    eval "$("$@" completions bash)" || exit 1
    [[ $(complete -p lading) == *"-F _lading lading" ]] || exit 2
    COMP_WORDS=(lading ${words.map((word) => `'${word}'`).join(" ")})
    COMP_CWORD=${words.length}
    _lading
    printf '%s\\n' "\${COMPREPLY[@]}"`);
  assert.equal(code, 0, stderr);
  assert.equal(stderr, "");
  return stdout.split("\n").filter((line) => line !== "");
}

/** The commands that the help names. */
async function commands(): Promise<string[]> {
  const { stdout } = await lading(["--help"]);
  const [, list = ""] = /Commands:\n([^]*?)\n\n/.exec(stdout) ?? [];
  return [...list.matchAll(/^ {2}([\w-]+)/gm)].map(([, name = ""]) => name);
}

test("the completions for bash offer every command, its options and its words", async () => {
  const { stdout } = await lading(["completions", "bash"]);
  const checked = await inShell(`bash -n <<'END'\n${stdout}\nEND\n`);
  assert.equal(checked.code, 0, checked.stderr);
  assert.deepEqual(await offered(""), await commands());
  assert.deepEqual(await offered("pul"), ["pull"]);
  assert.deepEqual(await offered("pull", "--pl"), ["--platform", "--plain-http"]);
  assert.deepEqual(await offered("ls", "alpine", "--l"), ["--long"]);
  assert.deepEqual(await offered("completions", ""), ["bash", "zsh", "fish"]);
  assert.deepEqual(await offered("help", "ser"), ["serve"]);
  assert.deepEqual(await offered("pull", "alpine"), []);
  assert.deepEqual(await offered("--v"), ["--version"]);
});

test("the completions for zsh and fish name every command and every option of the help", async () => {
  const names = await commands();
  assert.ok(names.length > 12);
  const { stdout: help } = await lading(["help", "serve"]);
  const options = [...help.matchAll(/--([a-z-]+)/g)].map(([, name = ""]) => name);
  assert.ok(options.includes("read-only"));
  const zsh = (await lading(["completions", "zsh"])).stdout;
  const fish = (await lading(["completions", "fish"])).stdout;
  assert.match(zsh, /^#compdef lading\n/);
  for (const name of names) {
    assert.match(zsh, new RegExp(`^ {4}'${name}:`, "m"));
    assert.match(fish, new RegExp(`-f -a ${name} -d '`));
  }
  for (const name of options) {
    assert.ok(zsh.includes(`'--${name}[`), name);
    assert.ok(fish.includes(` -l ${name} `), name);
  }
});
