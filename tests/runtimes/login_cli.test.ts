/** `lading login` and `lading logout` as processes: with pipes, on a terminal, and what they show. */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import assert from "node:assert/strict";
import { registryHandler } from "../../mod.ts";
import { serve } from "../../lib/runtime/serve.ts";
import { memoryStore } from "../../lib/store/mod.ts";
import { type Ended, inShell, LADING, lading, quoted, until } from "./lading_process.ts";

const PASSWORD = "CANARY-\u00fc pass";
const SECRET = /CANARY|Q0FOQVJZ|YWNtZT/;

function encoded(password: string): string {
  return Buffer.from(`acme:${password}`).toString("base64");
}

/** A registry on loopback that knows one user, and a folder for the configuration. */
async function withRegistry(
  work: (bench: { readonly host: string; readonly config: string }) => Promise<void>,
  isOpen = false,
): Promise<void> {
  const handler = registryHandler(memoryStore());
  const server = await serve((request) => {
    const authorization = request.headers.get("authorization");
    if (isOpen || authorization === `Basic ${encoded(PASSWORD)}`) return handler(request);
    const headers = { "www-authenticate": 'Basic realm="test"' };
    const message = `not with ${authorization}`;
    return Response.json({ errors: [{ code: "UNAUTHORIZED", message }] }, { status: 401, headers });
  });
  const folder = mkdtempSync(join(tmpdir(), "lading-login-"));
  try {
    await work({ host: `127.0.0.1:${server.port}`, config: join(folder, "config.json") });
  } finally {
    rmSync(folder, { recursive: true, force: true });
    await server.close();
  }
}

function assertSilent(run: Ended, what = ""): void {
  assert.doesNotMatch(run.stdout + run.stderr, SECRET, what);
  assert.doesNotMatch(run.stderr, /\n {4}at /, what);
}

const entries = (config: string) => JSON.parse(readFileSync(config, "utf8")).auths;

test("lading login takes the password from stdin, and a pull uses it", () =>
  withRegistry(async ({ host, config }) => {
    const piped = (input: string, options = "") =>
      inShell(
        `${input} | "$@" login ${host} -u acme --password-stdin --config ${config} ${options}`,
      );
    for (const input of [`echo ${quoted(PASSWORD)}`, `printf '%s\\r\\n' ${quoted(PASSWORD)}`]) {
      rmSync(config, { force: true });
      const run = await piped(input);
      assert.equal(run.code, 0, run.stderr);
      assert.equal(run.stdout, "");
      assert.equal(
        run.stderr,
        `logged in to ${host} as acme; kept in ${config}\n` +
          "warning: the password is kept unencrypted; a credential helper keeps it safer\n",
      );
      assert.deepEqual(entries(config), { [host]: { auth: encoded(PASSWORD) } });
      assert.equal((statSync(config).mode & 0o777).toString(8), "600");
    }
    const catalog = await lading(["catalog", host], { env: { REGISTRY_AUTH_FILE: config } });
    assert.equal(catalog.code, 0, catalog.stderr);
    assert.equal((await lading(["catalog", host])).code, 4);
    const quiet = await piped(`echo ${quoted(PASSWORD)}`, "--quiet");
    assert.equal(quiet.stdout + quiet.stderr, "");
  }));

test("lading login ends with 4 when the password is wrong, and keeps what there was", () =>
  withRegistry(async ({ host, config }) => {
    writeFileSync(config, '{"auths":{"old.example":{}}}');
    const run = await inShell(
      `echo CANARY-wrong | "$@" login ${host} -u acme --password-stdin --config ${config}`,
    );
    assert.equal(run.code, 4, run.stderr);
    assert.match(run.stderr, /^lading: Cannot authenticate to [^\n]+\n$/);
    assertSilent(run);
    assert.equal(readFileSync(config, "utf8"), '{"auths":{"old.example":{}}}');
  }));

test("lading login takes --password with a warning, as docker does", () =>
  withRegistry(async ({ host, config }) => {
    const run = await lading(["login", host, "-u", "acme", "-p", PASSWORD, "--config", config]);
    assert.equal(run.code, 0, run.stderr);
    assert.match(run.stderr, /^warning: --password shows the password .*; use --password-stdin\n/);
    assertSilent(run);
    assert.deepEqual(Object.keys(entries(config)), [host]);
  }));

test("lading login says when nobody has checked the password", () =>
  withRegistry(async ({ host, config }) => {
    const run = await lading(["login", host, "-u", "a", "-p", "CANARY", "--config", config]);
    assert.equal(run.code, 0, run.stderr);
    assert.match(run.stderr, /warning: 127.* lets everybody in; the password was not checked\n/);
    assertSilent(run);
  }, true));

test("lading login says what is missing or makes no sense, and exits with 2", () =>
  withRegistry(async ({ host, config }) => {
    const rows: readonly (readonly [string, string, RegExp])[] = [
      ["", `login ${host}`, /no terminal to ask .* --password-stdin/],
      ["", `login ${host} -u acme`, /no terminal/],
      ["echo CANARY", `login ${host} --password-stdin`, /--password-stdin needs --username/],
      ["echo x", `login ${host} -u a -p CANARY --password-stdin`, /not both/],
      ["printf ''", `login ${host} -u a --password-stdin`, /the password is empty/],
      ["echo", `login ${host} -u a --password-stdin`, /the password is empty/],
      ["printf 'CANARY\\nCANARY\\n'", `login ${host} -u a --password-stdin`, /control character/],
      ["echo CANARY", `login ${host} -u a:b --password-stdin`, /holds no colon/],
      ["yes CANARY", `login ${host} -u a --password-stdin`, /too long for a password/],
      ["echo CANARY", `login 'not a host' -u a --password-stdin`, /as a registry/],
      ["", `login a b`, /too many arguments/],
      ["", `login ${host} --pasword-stdin`, /did you mean "--password-stdin"\?/],
      ["", `logout 'not a host'`, /as a registry/],
    ];
    for (const [input, args, message] of rows) {
      const pipe = input === "" ? "" : `${input} | `;
      const run = await inShell(`${pipe}"$@" ${args} --config ${config}`);
      assert.equal(run.code, 2, `${args}: ${run.stderr}`);
      assert.match(run.stderr, message, args);
      assert.equal(run.stdout, "");
      assertSilent(run, args);
    }
    assert.throws(() => readFileSync(config), { code: "ENOENT" });
  }));

test("lading logout forgets a registry, and tells whether there was something", () =>
  withRegistry(async ({ host, config }) => {
    writeFileSync(
      config,
      JSON.stringify({
        auths: { "https://index.docker.io/v1/": { auth: "YTpi" }, [host]: { auth: "YTpi" } },
      }),
    );
    const rows: readonly (readonly [string[], string])[] = [
      [[host], `removed the credentials for ${host} from ${config}\n`],
      [[host], `not logged in to ${host}\n`],
      [[], `removed the credentials for docker.io from ${config}\n`],
      [["docker.io"], "not logged in to docker.io\n"],
    ];
    for (const [args, stderr] of rows) {
      const run = await lading(["logout", ...args, "--config", config]);
      assert.equal(run.code, 0, run.stderr);
      assert.equal(run.stdout, "");
      assert.equal(run.stderr, stderr);
    }
    assert.equal(readFileSync(config, "utf8"), '{"auths":{}}');
    writeFileSync(config, '{"auths":CANARY');
    const broken = await lading(["logout", host, "--config", config]);
    assert.equal(broken.code, 1);
    assertSilent(broken);
  }));

test("lading login and logout say when a variable goes before the file", () =>
  withRegistry(async ({ host, config }) => {
    const env = {
      REGISTRY_AUTH_FILE: config,
      DOCKER_AUTH_CONFIG: '{"auths":{"x":{"auth":"CANARY"}}}',
    };
    for (const args of [["login", host, "-u", "acme", "-p", PASSWORD], ["logout", host]]) {
      const run = await lading(args, { env });
      assert.equal(run.code, 0, run.stderr);
      assert.match(run.stderr, /warning: DOCKER_AUTH_CONFIG is set: what it holds goes before/);
      assertSilent(run);
      const named = await lading([...args, "--config", config], { env });
      assert.doesNotMatch(named.stderr, /DOCKER_AUTH_CONFIG/);
    }
  }));

/** A line that is typed once a prompt is shown. */
type Typed = readonly [prompt: string, keys: string];

/** Runs the command on a terminal, and types answers. */
async function onTerminal(args: string, typed: readonly Typed[]): Promise<Ended> {
  // The shell behind it tells whether the terminal echoes again.
  const command = `${
    LADING.map(quoted).join(" ")
  } ${args}; code=$?; stty -a | grep -o '[-]*echo '; exit $code`;
  const child = spawn("script", ["--quiet", "--return", "--command", command, "/dev/null"], {
    stdio: ["pipe", "pipe", "inherit"],
    env: { ...process.env, TERM: "xterm" },
  });
  let shown = "";
  child.stdout.on("data", (chunk) => shown += chunk);
  const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
  let from = 0;
  for (const [prompt, keys] of typed) {
    await until(() => shown.indexOf(prompt, from) >= 0, `${prompt} is shown after ${shown}`);
    from = shown.indexOf(prompt, from) + prompt.length;
    child.stdin.write(keys);
  }
  const code = await ended;
  return { code, stdout: shown.replaceAll("\r", ""), bytes: Buffer.from(shown), stderr: "" };
}

test("lading login asks on a terminal, and shows nothing of the password", () =>
  withRegistry(async ({ host, config }) => {
    const args = `login ${host} --config ${config} --quiet`;
    const run = await onTerminal(args, [["Username: ", "acme\r"], ["Password: ", `${PASSWORD}\r`]]);
    assert.equal(run.code, 0, run.stdout);
    assert.equal(run.stdout, "Username: acme\nPassword: \necho \n");
    assert.deepEqual(entries(config), { [host]: { auth: encoded(PASSWORD) } });
    const named = await onTerminal(`${args} -u acme`, [["Password: ", "CANARY-wrong\r"]]);
    assert.equal(named.code, 4, named.stdout);
    assertSilent(named);
  }));

test("lading login lets what is typed be changed, and takes answers that come together", () =>
  withRegistry(async ({ host, config }) => {
    const args = `login ${host} --config ${config} --quiet`;
    const keys =
      `x\x7f\x7fwrong\x15acne\x1b[D\x7f\x7fme\r\x1b[200~${PASSWORD}\u00e9\x7f\x1b[201~\r`;
    const run = await onTerminal(args, [["Username: ", keys]]);
    assert.equal(run.code, 0, run.stdout);
    assert.deepEqual(entries(config), { [host]: { auth: encoded(PASSWORD) } });
    assertSilent(run);
  }));

test("lading login ends by Ctrl-C at a question, and the terminal echoes again", () =>
  withRegistry(async ({ host, config }) => {
    const run = await onTerminal(`login ${host} -u acme --config ${config}`, [
      ["Password: ", "CANARY\x03"],
    ]);
    assert.equal(run.code, 130, run.stdout);
    assert.equal(run.stdout, "Password: \nlading: interrupted\necho \n");
    const ended = await onTerminal(`login ${host} -u acme --config ${config}`, [
      ["Password: ", "\x04"],
    ]);
    assert.equal(ended.code, 2, ended.stdout);
    assert.match(ended.stdout, /no answer was given\necho \n$/);
    assert.throws(() => readFileSync(config), { code: "ENOENT" });
  }));
