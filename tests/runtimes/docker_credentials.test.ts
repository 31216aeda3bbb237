/** Credentials of the host: its variables, its files and real helper programs. */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { test } from "node:test";
import assert from "node:assert/strict";
import { InvalidConfigError, LadingError } from "../../lib/model/errors.ts";
import { askHelper } from "../../lib/auth/mod.ts";
import { hostCredentials } from "../../lib/runtime/docker_credentials.ts";
import { helperRunner } from "../../lib/runtime/_helper_process.ts";

const VARIABLES = [
  ...["DOCKER_CONFIG", "REGISTRY_AUTH_FILE", "DOCKER_AUTH_CONFIG", "XDG_RUNTIME_DIR", "HOME"],
  ...["USERPROFILE", "PATH", "LADING_CANARY", "AWS_PROFILE"],
];

/** A home of its own: a folder, and the variables that lead there; all is undone afterwards. */
async function withHome(run: (folder: string) => Promise<void>): Promise<void> {
  const before = VARIABLES.map((name) => [name, process.env[name]] as const);
  const folder = mkdtempSync(join(tmpdir(), "lading-credentials-"));
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

function write(path: string, value: unknown): string {
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, typeof value === "string" ? value : JSON.stringify(value));
  return path;
}

const auths = (name: string) => ({ auths: { "r.example": { username: name, password: "p" } } });

async function username(registry = "r.example"): Promise<string> {
  const found = await hostCredentials()({ registry });
  return found.kind === "basic" ? found.username : found.kind;
}

/** Writes a helper into the folder that PATH names first. */
function helper(folder: string, name: string, script: string): void {
  const path = join(folder, "bin", `docker-credential-${name}`);
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
}

test("hostCredentials() knows nothing where nothing is", async () => {
  await withHome(async () => {
    assert.equal(await username(), "anonymous");
  });
});

test("hostCredentials() asks variables and files in their order", async () => {
  await withHome(async (folder) => {
    process.env["XDG_RUNTIME_DIR"] = join(folder, "run");
    write(join(folder, "run/containers/auth.json"), auths("podman"));
    assert.equal(await username(), "podman");
    write(join(folder, ".docker/config.json"), auths("home"));
    assert.equal(await username(), "home");
    process.env["DOCKER_CONFIG"] = join(folder, "docker");
    assert.equal(await username(), "podman", "DOCKER_CONFIG takes the place of ~/.docker");
    write(join(folder, "docker/config.json"), auths("docker"));
    assert.equal(await username(), "docker");
    process.env["REGISTRY_AUTH_FILE"] = write(join(folder, "auth.json"), auths("file"));
    assert.equal(await username(), "file");
    process.env["DOCKER_AUTH_CONFIG"] = JSON.stringify(auths("inline"));
    assert.equal(await username(), "inline");
    process.env["DOCKER_AUTH_CONFIG"] = JSON.stringify({ auths: { "other.example": {} } });
    assert.equal(await username(), "file", "who does not know leaves it to the next");
    assert.equal(await username("unknown.example"), "anonymous");
  });
});

test("hostCredentials() reads ~/.dockercfg while there is no other configuration", async () => {
  await withHome(async (folder) => {
    const auth = btoa("old:p");
    write(join(folder, ".dockercfg"), { "r.example": { auth, email: "a@b" } });
    assert.equal(await username(), "old");
    process.env["DOCKER_CONFIG"] = join(folder, "docker");
    assert.equal(await username(), "anonymous", "DOCKER_CONFIG takes the place of both");
    delete process.env["DOCKER_CONFIG"];
    write(join(folder, ".docker/config.json"), {});
    assert.equal(await username(), "anonymous", "Docker wrote a new one");
    rmSync(join(folder, ".docker"), { recursive: true });
    write(join(folder, ".dockercfg"), `auth = ${auth}\nemail = a@b\n`);
    assert.equal(await username("docker.io"), "old");
    write(join(folder, ".dockercfg"), "CANARY");
    await assert.rejects(
      username(),
      (error: unknown) =>
        error instanceof InvalidConfigError && /\.dockercfg: /.test(error.message) &&
        !/CANARY/.test(String(error.stack)),
    );
  });
});

test("hostCredentials() notices a login", async () => {
  await withHome(async (folder) => {
    const provider = hostCredentials();
    assert.equal((await provider({ registry: "r.example" })).kind, "anonymous");
    write(join(folder, ".docker/config.json"), auths("new"));
    assert.equal((await provider({ registry: "r.example" })).kind, "basic");
  });
});

test("hostCredentials() reports a file that was named and is not there, or cannot be read", async () => {
  await withHome(async (folder) => {
    process.env["REGISTRY_AUTH_FILE"] = join(folder, "absent.json");
    await assert.rejects(
      username(),
      (error: unknown) =>
        error instanceof InvalidConfigError && /absent\.json: ENOENT/.test(error.message),
    );
    process.env["REGISTRY_AUTH_FILE"] = write(join(folder, "bad.json"), "{CANARY");
    await assert.rejects(
      username(),
      (error: unknown) =>
        error instanceof InvalidConfigError && /bad\.json: it is no JSON/.test(error.message) &&
        !/CANARY/.test(String(error.stack)),
    );
    delete process.env["REGISTRY_AUTH_FILE"];
    mkdirSync(join(folder, ".docker/config.json"), { recursive: true });
    await assert.rejects(username(), InvalidConfigError);
  });
});

test("hostCredentials() starts the helper with the server on its input", async () => {
  await withHome(async (folder) => {
    write(join(folder, ".docker/config.json"), { credsStore: "file", auths: { "r.example": {} } });
    helper(
      folder,
      "file",
      `read server; printf '{"ServerURL":"%s","Username":"%s-%s","Secret":"s"}' "$server" "$1" "$server"`,
    );
    assert.equal(await username(), "get-r.example");
    assert.equal(await username("docker.io"), "get-https://index.docker.io/v1/");
  });
});

test("hostCredentials() takes a helper that knows nothing for nothing", async () => {
  await withHome(async (folder) => {
    write(join(folder, ".docker/config.json"), { credHelpers: { "r.example": "none" } });
    helper(folder, "none", "echo credentials not found in native keychain; exit 1");
    assert.equal(await username(), "anonymous");
  });
});

test("hostCredentials() reports a helper that fails, and asks nobody else", async () => {
  await withHome(async (folder) => {
    process.env["XDG_RUNTIME_DIR"] = join(folder, "run");
    write(join(folder, "run/containers/auth.json"), auths("podman"));
    const config = join(folder, ".docker/config.json");
    const scripts = ["echo CANARY; exit 1", "echo CANARY >&2; exit 1", "echo CANARY", "kill -9 $$"];
    for (const script of scripts) {
      write(config, { ...auths("plain"), credsStore: "bad" });
      helper(folder, "bad", script);
      await assert.rejects(
        username(),
        (error: unknown) =>
          error instanceof LadingError && error.code === "CREDENTIAL_HELPER_FAILED" &&
          !/CANARY/.test(`${error.stack}${error.cause}`),
        script,
      );
    }
    write(config, { ...auths("plain"), credsStore: "absent" });
    await assert.rejects(
      username(),
      (error: unknown) =>
        error instanceof LadingError && error.code === "CREDENTIAL_HELPER_FAILED" &&
        /docker-credential-absent.*PATH/.test(error.message),
    );
    write(config, { ...auths("plain"), credsStore: "../../bin/sh" });
    await assert.rejects(username(), InvalidConfigError);
  });
});

test("hostCredentials() gives helpers what they need of the environment, and no more", async () => {
  await withHome(async (folder) => {
    process.env["LADING_CANARY"] = "secret";
    process.env["AWS_PROFILE"] = "work";
    write(join(folder, ".docker/config.json"), { credsStore: "env" });
    helper(
      folder,
      "env",
      `printf '{"Username":"%s,%s,%s","Secret":"s"}' "$LADING_CANARY" "$AWS_PROFILE" "$HOME"`,
    );
    assert.equal(await username(), `,work,${folder}`);
  });
});

test("helperRunner() uses no shell", async () => {
  await withHome(async (folder) => {
    const run = helperRunner();
    assert.ok(run);
    helper(folder, "args", `printf '%s|%s' "$#" "$1"`);
    const { stdout } = await run("docker-credential-args", "get; touch pwned $(id)", "x");
    assert.equal(stdout, "1|get; touch pwned $(id)");
    assert.ok(!existsSync("pwned"));
  });
});

test("helperRunner() stops a helper that does not end", async () => {
  await withHome(async (folder) => {
    const run = helperRunner(200);
    assert.ok(run);
    helper(folder, "slow", "sleep 30");
    const start = Date.now();
    await assert.rejects(
      askHelper(run, "slow", "r.example"),
      (error: unknown) =>
        error instanceof LadingError && /did not end within 0\.2 seconds/.test(error.message),
    );
    assert.ok(Date.now() - start < 5_000);
  });
});

test("helperRunner() stops a helper that writes without end", async () => {
  await withHome(async (folder) => {
    const run = helperRunner();
    assert.ok(run);
    helper(folder, "loud", "while :; do echo yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy; done");
    await assert.rejects(
      askHelper(run, "loud", "r.example"),
      (error: unknown) => error instanceof LadingError && /writes too much/.test(error.message),
    );
  });
});

test("helperRunner() ends a helper by its signal", async () => {
  await withHome(async (folder) => {
    const run = helperRunner();
    assert.ok(run);
    helper(folder, "slow", "sleep 30");
    const controller = new AbortController();
    const reason = new Error("enough");
    const asked = askHelper(run, "slow", "r.example", controller.signal);
    setTimeout(() => controller.abort(reason), 50);
    await assert.rejects(asked, (error: unknown) => error === reason);
  });
});

test("helperRunner() leaves a helper alone that does not read its input", async () => {
  await withHome(async (folder) => {
    const run = helperRunner();
    assert.ok(run);
    helper(folder, "deaf", `exec <&-; printf '{"Username":"u","Secret":"s"}'`);
    const found = await askHelper(run, "deaf", "r.example");
    assert.equal(found.kind, "basic");
  });
});

test("hostCredentials() passes over what Deno does not allow", () => {
  const module = new URL("lib/runtime/docker_credentials.ts", `file://${process.cwd()}/`).href;
  const code = `import { hostCredentials } from ${JSON.stringify(module)};
console.log((await hostCredentials()({ registry: "r.example" })).kind);`;
  for (const allowed of [[], ["--allow-env=HOME"], ["--allow-env"]]) {
    const flags = ["run", "--no-prompt", "--no-check", ...allowed, "-"];
    const run = spawnSync("node_modules/.bin/deno", flags, { input: code, encoding: "utf8" });
    assert.equal(run.status, 0, run.stderr);
    assert.equal(run.stdout.trim(), "anonymous", String(allowed));
  }
});
