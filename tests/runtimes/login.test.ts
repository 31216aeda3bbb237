/** Logging in and out: what is proved, what is kept and where, and what nobody gets to see. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { test } from "node:test";
import assert from "node:assert/strict";
import {
  AuthenticationError,
  InvalidReferenceError,
  LadingError,
  RegistryError,
} from "../../lib/model/errors.ts";
import { hostCredentials } from "../../lib/runtime/docker_credentials.ts";
import { dockerConfigFile } from "../../lib/runtime/docker_config_file.ts";
import { login, type LoginOptions, logout } from "../../lib/runtime/login.ts";
import { memoryFileSystem } from "../../lib/store/mod.ts";
import { type Script, type Scripted, scripted, unauthorized } from "../auth/scripted.ts";

const PASSWORD = "CANARY-password";
const WHO = { username: "acme", password: PASSWORD } as const;
const BASIC = { kind: "basic", ...WHO } as const;
const HEADER = `Basic ${btoa(`acme:${PASSWORD}`)}`;
const NO_RETRY = { retry: { retries: 0 } } as const;

const basicRegistry: Script = (_, { authorization }) =>
  authorization === HEADER
    ? Response.json({})
    : unauthorized('Basic realm="r"', said(authorization));

/** What servers say that repeat in their errors what they were sent, encoded and decoded. */
function said(authorization: string | null, body = ""): string {
  const decoded = authorization?.startsWith("Basic ") ? atob(authorization.slice(6)) : "";
  const message = `wrong: ${authorization} ${decoded.split(":")[1]} ${body.replace(/.*=/, "")}`;
  return JSON.stringify({ errors: [{ code: "UNAUTHORIZED", message }] });
}

/** A registry with a token server that knows one user. */
function tokenHosts(more: Readonly<Record<string, unknown>> = {}): Record<string, Script> {
  return {
    "auth.example": (_, { authorization, body }) =>
      authorization === HEADER ||
        new URLSearchParams(body).get("refresh_token") === "CANARY-refresh"
        ? Response.json({ token: "CANARY-token", ...more })
        : new Response(said(authorization, body), { status: 401 }),
    "r.example": (_, { authorization }) =>
      authorization === "Bearer CANARY-token"
        ? Response.json({})
        : unauthorized('Bearer realm="https://auth.example/token",service="r.example"'),
  };
}

/** A configuration in memory. */
function memoryConfig() {
  const config = dockerConfigFile("/config.json", memoryFileSystem());
  return { config, entries: async () => JSON.parse(await config.read() || "{}").auths ?? {} };
}

/** What a call fails with; no secret may be in it. */
async function failure(call: Promise<unknown>): Promise<Error> {
  const error = await call.then(() => undefined, (error: unknown) => error);
  assert.ok(error instanceof Error, "it did not fail");
  const seen: unknown[] = [];
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    seen.push(at.message, at.stack, JSON.stringify(at), ...Object.values(at));
  }
  assert.doesNotMatch(seen.map(String).join("\n"), /CANARY|Q0FOQVJZ|YWNtZT/);
  return error;
}

test("login() proves a password by Basic before it keeps it", async () => {
  const transport = scripted({ "r.example": basicRegistry });
  const { config, entries } = memoryConfig();
  const result = await login("r.example", { ...WHO, config, transport });
  assert.deepEqual(result, {
    registry: "r.example",
    place: { kind: "file", name: "/config.json" },
    kind: "basic",
    isProven: true,
  });
  assert.deepEqual(await entries(), { "r.example": { auth: HEADER.slice(6) } });
  assert.deepEqual(transport.seen.map(({ url, authorization }) => [url, authorization]), [
    ["https://r.example/v2/", null],
    ["https://r.example/v2/", HEADER],
  ]);
});

test("login() proves a password at the token server", async () => {
  const transport = scripted(tokenHosts());
  const { config, entries } = memoryConfig();
  const { kind } = await login("https://r.example/v2/", { ...WHO, config, transport });
  assert.equal(kind, "basic");
  assert.deepEqual(Object.keys(await entries()), ["r.example"]);
  const [asked] = transport.at("https://auth.example");
  const { searchParams } = new URL(asked?.url ?? "");
  assert.deepEqual([...searchParams.keys()].sort(), [
    ...["account", "client_id", "offline_token", "service"],
  ]);
  assert.deepEqual(transport.at("https://r.example").map(({ authorization }) => authorization), [
    null,
    "Bearer CANARY-token",
  ]);
});

test("login() keeps the identity token that the token server gives, and not the password", async () => {
  const transport = scripted(tokenHosts({ refresh_token: "CANARY-refresh" }));
  const { config, entries } = memoryConfig();
  const { kind } = await login("r.example", { ...WHO, config, transport });
  assert.equal(kind, "identity-token");
  assert.deepEqual(await entries(), {
    "r.example": { auth: btoa("acme:"), identitytoken: "CANARY-refresh" },
  });
});

test("login() proves an identity token, and keeps the one that takes its place", async () => {
  const { config, entries } = memoryConfig();
  const identity = { identityToken: "CANARY-refresh", config } as const;
  await login("r.example", { ...identity, transport: scripted(tokenHosts()) });
  assert.deepEqual(await entries(), { "r.example": { identitytoken: "CANARY-refresh" } });
  const renewing = scripted(tokenHosts({ refresh_token: "CANARY-renewed" }));
  await login("r.example", { ...identity, username: "acme", transport: renewing });
  assert.deepEqual(await entries(), {
    "r.example": { auth: btoa("acme:"), identitytoken: "CANARY-renewed" },
  });
  const wrong = { ...identity, identityToken: "CANARY-old", transport: renewing };
  assert.ok(await failure(login("r.example", wrong)) instanceof AuthenticationError);
});

test("login() says when nobody has checked the password", async () => {
  const { config, entries } = memoryConfig();
  const transport = scripted({ "r.example": () => Response.json({}) });
  const { isProven } = await login("r.example", { ...WHO, config, transport });
  assert.equal(isProven, false);
  assert.equal(transport.seen.length, 1);
  assert.equal(transport.seen[0]?.authorization, null);
  assert.deepEqual(Object.keys(await entries()), ["r.example"]);
});

/** Tries to log in as somebody over a working login, which has to stay. */
async function refused(transport: Scripted, more: Partial<LoginOptions> = {}): Promise<Error> {
  const { config } = memoryConfig();
  await login("r.example", {
    ...{ username: "old", password: "CANARY-old" },
    config,
    transport: scripted({ "r.example": () => Response.json({}) }),
  });
  const before = await config.read();
  const options = { ...WHO, ...NO_RETRY, config, transport, ...more } as LoginOptions;
  const error = await failure(login("r.example", options));
  assert.equal(await config.read(), before, "nothing was written");
  return error;
}

test("lesson 19: a wrong password is an AuthenticationError, and changes nothing", async () => {
  const wrong = { password: "CANARY-wrong" };
  const basic = await refused(scripted({ "r.example": basicRegistry }), wrong);
  assert.ok(basic instanceof AuthenticationError, String(basic));
  assert.match(basic.message, /r\.example/);
  const transport = scripted(tokenHosts());
  const bearer = await refused(transport, wrong);
  assert.ok(bearer instanceof AuthenticationError, String(bearer));
  assert.match(bearer.message, /check the user name and password/);
  assert.ok(transport.seen.every(({ authorization }) => authorization !== "Bearer CANARY-token"));
});

test("lesson 20: a token server that answers 401 to POST is asked by GET at a login", async () => {
  const transport = scripted({
    ...tokenHosts(),
    "auth.example": (request, { authorization }) =>
      request.method === "GET" && authorization === HEADER
        ? Response.json({ token: "CANARY-token" })
        : new Response("", { status: 401 }),
  });
  const { config } = memoryConfig();
  assert.equal((await login("r.example", { ...WHO, config, transport })).isProven, true);
});

test("lesson 12: a login sends no password to a token server that is a private address", async () => {
  const realms = [
    ...["http://169.254.169.254/token", "https://10.0.0.1/token", "https://localhost/token"],
    "http://auth.example/token",
  ];
  for (const realm of realms) {
    const transport = scripted({ "r.example": () => unauthorized(`Bearer realm="${realm}"`) });
    assert.ok(await refused(transport) instanceof AuthenticationError, realm);
    assert.ok(transport.seen.every(({ url }) => new URL(url).host === "r.example"), realm);
    assert.ok(transport.seen.every(({ authorization }) => authorization === null), realm);
  }
});

test("lesson 14: a login under any name of Docker Hub is one login", async () => {
  const names = [
    ...["docker.io", "index.docker.io", "registry-1.docker.io", "registry.docker.io"],
    ...["registry.hub.docker.com", "https://index.docker.io/v1/"],
  ];
  for (const name of names) {
    const { config, entries } = memoryConfig();
    const transport = scripted({ "registry-1.docker.io": basicRegistry });
    const { registry } = await login(name, { ...WHO, config, transport });
    assert.equal(registry, "docker.io", name);
    assert.deepEqual(Object.keys(await entries()), ["https://index.docker.io/v1/"], name);
    const { places } = await logout("docker.io", { config });
    assert.equal(places.length, 1, name);
  }
});

test("login() keeps nothing when the registry fails, leads away or is none", async () => {
  const hosts: Record<string, Script>[] = [
    { "r.example": () => new Response("", { status: 500 }) },
    { "r.example": () => new Response("<html>", { status: 404 }) },
    {
      "r.example": () => Response.redirect("https://evil.example/v2/", 307),
      "evil.example": basicRegistry,
    },
    {},
  ];
  for (const [i, host] of hosts.entries()) {
    const transport = scripted(host);
    const error = await refused(transport);
    assert.ok(error instanceof RegistryError || error instanceof LadingError, `${i}: ${error}`);
    assert.ok(transport.seen.every(({ authorization }) => authorization === null), `${i}`);
  }
});

test("login() takes 403 of a token server for wrong credentials, as GHCR means it", async () => {
  const transport = scripted({
    ...tokenHosts(),
    "auth.example": (_, { authorization }) => new Response(said(authorization), { status: 403 }),
  });
  const error = await refused(transport);
  assert.ok(error instanceof AuthenticationError, String(error));
  assert.match(error.message, /answered 403 UNAUTHORIZED.*; check the user name and password$/);
});

test("lesson 5: a login asks for no scope", async () => {
  const transport = scripted(tokenHosts());
  await login("r.example", { ...WHO, config: memoryConfig().config, transport });
  const [asked] = transport.at("https://auth.example");
  assert.equal(new URL(asked?.url ?? "").searchParams.get("scope"), null);
});

test("lesson 20: a login does not ask for the placeholder that GHCR's /v2/ demands", async () => {
  const transport = scripted({
    ...tokenHosts(),
    "r.example": (_, { authorization }) =>
      authorization === "Bearer CANARY-token" ? Response.json({}) : unauthorized(
        'Bearer realm="https://auth.example/token",service="r.example",' +
          'scope="repository:user/image:pull"',
      ),
  });
  await login("r.example", { ...WHO, config: memoryConfig().config, transport });
  assert.doesNotMatch(transport.at("https://auth.example")[0]?.url ?? "", /user|image/);
});

test("login() refuses what cannot be sent before anybody is asked", async () => {
  const transport = scripted({});
  const rows: readonly [Partial<LoginOptions>, string][] = [
    [{ username: "" }, "r.example"],
    [{ password: "" }, "r.example"],
    [{ username: "a:CANARY" }, "r.example"],
    [{ password: "CANARY\n" }, "r.example"],
    [{ username: undefined, password: undefined, identityToken: "CANARY \n" }, "r.example"],
    [{}, ""],
    [{}, "a b"],
    [{}, "r.example\nq.example"],
    [{}, "user@r.example"],
  ];
  for (const [more, registry] of rows) {
    const { config } = memoryConfig();
    const options = { ...WHO, config, transport, ...more } as LoginOptions;
    const error = await failure(login(registry, options));
    assert.ok(error instanceof TypeError || error instanceof InvalidReferenceError, String(error));
  }
  assert.equal(transport.seen.length, 0);
});

test("login() ends by its signal, and keeps nothing", async () => {
  const reason = new Error("enough");
  const controller = new AbortController();
  const transport = scripted({
    "r.example": () => {
      controller.abort(reason);
      return unauthorized('Basic realm="r"');
    },
  });
  const { config, entries } = memoryConfig();
  const call = login("r.example", { ...WHO, config, transport, signal: controller.signal });
  await assert.rejects(call, (error: unknown) => error === reason);
  assert.deepEqual(await entries(), {});
});

test("login() tells no secret in its events", async () => {
  const events: unknown[] = [];
  let count = 0;
  const transport = scripted({
    "r.example": (request, seen) => {
      if (++count < 3) {
        return new Response(said(HEADER), { status: 503, headers: { "retry-after": "0" } });
      }
      return basicRegistry(request, seen);
    },
  });
  const { config } = memoryConfig();
  const retry = { retries: 4, minDelayMs: 1, maxDelayMs: 1 };
  await login("r.example", {
    ...WHO,
    config,
    transport,
    retry,
    onEvent: (event) => events.push(event),
  });
  assert.ok(events.length > 0);
  assert.doesNotMatch(JSON.stringify(events), /CANARY|Q0FOQVJZ/);
});

const VARIABLES = [
  ...["DOCKER_CONFIG", "REGISTRY_AUTH_FILE", "DOCKER_AUTH_CONFIG", "XDG_RUNTIME_DIR", "HOME"],
  ...["USERPROFILE", "PATH"],
];

/** A home of its own: a folder, and the variables that lead there; all is undone afterwards. */
async function withHome(run: (folder: string) => Promise<void>): Promise<void> {
  const before = VARIABLES.map((name) => [name, process.env[name]] as const);
  const folder = mkdtempSync(join(tmpdir(), "lading-login-"));
  try {
    for (const name of VARIABLES) if (name !== "PATH") delete process.env[name];
    process.env["HOME"] = folder;
    mkdirSync(join(folder, "bin"));
    process.env["PATH"] = `${join(folder, "bin")}${delimiter}${process.env["PATH"]}`;
    await run(folder);
  } finally {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
    rmSync(folder, { recursive: true, force: true });
  }
}

test("login() keeps credentials where hostCredentials() looks first", () =>
  withHome(async (folder) => {
    const transport = scripted({ "r.example": basicRegistry });
    const settings: readonly (readonly [string, string, string])[] = [
      ["HOME", folder, join(folder, ".docker/config.json")],
      ["DOCKER_CONFIG", join(folder, "docker"), join(folder, "docker/config.json")],
      ["REGISTRY_AUTH_FILE", join(folder, "auth.json"), join(folder, "auth.json")],
    ];
    for (const [name, value, path] of settings) {
      process.env[name] = value;
      const { place } = await login("r.example", { ...WHO, transport });
      assert.deepEqual(place, { kind: "file", name: path });
      assert.ok(existsSync(path), path);
      assert.deepEqual(await hostCredentials()({ registry: "r.example" }), BASIC);
    }
    assert.equal((await logout("r.example")).places.length, 1);
    assert.equal((await logout("r.example")).places.length, 0);
    assert.equal(
      (await hostCredentials()({ registry: "r.example" })).kind,
      "basic",
      "the other files are not changed",
    );
    const named = join(folder, "named.json");
    const { place } = await login("r.example", { ...WHO, transport, config: named });
    assert.equal(place.name, named);
  }));

test("login() says when there is no place for credentials", () =>
  withHome(async () => {
    delete process.env["HOME"];
    const error = await failure(login("r.example", { ...WHO, transport: scripted({}) }));
    assert.match(error.message, /neither DOCKER_CONFIG nor HOME/);
  }));

/** A helper that keeps what it is given in files, and writes down how it was called. */
const HELPER = `
cd "$HOME/bin"
echo "$# $1" >> log
case $1 in
  store) cat > kept ;;
  get) if test -e kept; then cat kept; else echo credentials not found in native keychain; exit 1; fi ;;
  list) if test -e kept; then echo '{"r.example":"acme"}'; else echo '{}'; fi ;;
  erase) rm kept ;;
esac`;

function helper(folder: string, name: string, script: string): void {
  const path = join(folder, "bin", `docker-credential-${name}`);
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
}

test("login() and logout() speak to the helper program that the configuration names", () =>
  withHome(async (folder) => {
    const path = join(folder, "config.json");
    writeFileSync(path, '{"credsStore":"file","auths":{"r.example":{}}}');
    helper(folder, "file", HELPER);
    const transport = scripted({ "r.example": basicRegistry });
    const { place } = await login("r.example", { ...WHO, transport, config: path });
    assert.deepEqual(place, { kind: "helper", name: "docker-credential-file" });
    assert.equal(readFileSync(path, "utf8"), '{"credsStore":"file","auths":{}}');
    assert.deepEqual(JSON.parse(readFileSync(join(folder, "bin/kept"), "utf8")), {
      ServerURL: "r.example",
      Username: "acme",
      Secret: PASSWORD,
    });
    process.env["REGISTRY_AUTH_FILE"] = path;
    assert.deepEqual(await hostCredentials()({ registry: "r.example" }), BASIC);
    assert.deepEqual((await logout("r.example")).places, [place]);
    assert.deepEqual((await logout("r.example")).places, []);
    assert.equal((await hostCredentials()({ registry: "r.example" })).kind, "anonymous");
    const log = readFileSync(join(folder, "bin/log"), "utf8").split("\n");
    assert.deepEqual(log, ["1 store", "1 get", "1 list", "1 erase", "1 list", "1 get", ""]);
  }));

test("login() keeps nothing in the file when the helper fails", () =>
  withHome(async (folder) => {
    const path = join(folder, "config.json");
    const transport = scripted({ "r.example": basicRegistry });
    const options = { ...WHO, transport, config: path };
    helper(folder, "bad", `cat >&2; echo ${PASSWORD}; exit 1`);
    for (const name of ["bad", "absent", "../../bin/sh"]) {
      const text = JSON.stringify({ credsStore: name });
      writeFileSync(path, text);
      const error = await failure(login("r.example", options));
      assert.ok(error instanceof LadingError, String(error));
      assert.equal(readFileSync(path, "utf8"), text);
      await failure(logout("r.example", options));
    }
  }));
