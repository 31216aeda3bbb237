// Finds, and where it may installs, what the tests need beside npm packages.
import { accessSync, constants, existsSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";
import { run } from "./_process.mjs";

const root = resolve(import.meta.dirname ?? new URL(".", import.meta.url).pathname, "../..");

/** Program -> the Debian package that holds it. */
const DEBIAN = {
  "dockerd": "docker.io",
  "docker": "docker.io",
  "docker-registry": "docker-registry",
  "htpasswd": "apache2-utils",
  "skopeo": "skopeo",
  "umoci": "umoci",
  "podman": "podman",
  "bsdtar": "libarchive-tools",
  "zstd": "zstd",
  "pigz": "pigz",
  "chromium": "chromium",
  "busybox": "busybox-static",
  "debootstrap": "debootstrap",
  "curl": "curl",
  "openssl": "openssl",
};

/** Finds a program on the PATH, leaving out what npm put there. */
export function which(program) {
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    if (folder === "" || folder.includes("node_modules")) continue;
    const path = join(folder, program);
    try {
      accessSync(path, constants.X_OK);
      if (existsSync(path)) return path;
    } catch {
      continue;
    }
  }
  return undefined;
}

function mayInstall() {
  return process.getuid?.() === 0 && which("apt-get") !== undefined;
}

async function install(packages) {
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  console.log(`installing ${packages.join(" ")}`);
  await run("apt-get", ["update"], { env });
  const result = await run(
    "apt-get",
    ["install", "-y", "--no-install-recommends", ...packages],
    { env, timeoutMs: 1_200_000 },
  );
  if (result.code !== 0) console.log(result.stderr.split("\n").slice(-5).join("\n"));
}

async function version(program) {
  if (program === undefined) return "";
  return (await run(program, ["--version"], { timeoutMs: 60_000 })).stdout.trim();
}

function hostNode() {
  const own = process.execPath.includes("node_modules") ? undefined : process.execPath;
  return own ?? which("node");
}

/** The programs that the tests run, by name; a missing one is `undefined`. */
export async function findComponents() {
  const missing = Object.entries(DEBIAN).filter(([program]) => which(program) === undefined);
  if (missing.length > 0 && mayInstall()) await install(missing.map(([, name]) => name));
  const bin = (name) => {
    const path = join(root, "node_modules/.bin", name);
    return existsSync(path) ? path : undefined;
  };
  const bunBinary = join(root, "node_modules/@oven/bun-linux-x64/bin/bun");
  const components = {
    node: hostNode(),
    node24: bin("node"),
    deno: bin("deno"),
    bun: existsSync(bunBinary) ? bunBinary : bin("bun"),
    workerd: bin("workerd"),
  };
  if (!(await version(components.node24)).startsWith("v24")) components.node24 = undefined;
  for (const program of Object.keys(DEBIAN)) components[program] = which(program);
  const corpus = process.env.LADING_CORPUS ?? resolve(root, "../shared/corpus");
  components.corpus = existsSync(corpus) ? corpus : undefined;
  return components;
}

/** The environment that tells tests where the components are. */
export function componentEnvironment(components) {
  const env = {};
  for (const [name, path] of Object.entries(components)) {
    if (path !== undefined) env[`LADING_${name.toUpperCase().replaceAll("-", "_")}`] = path;
  }
  return env;
}
