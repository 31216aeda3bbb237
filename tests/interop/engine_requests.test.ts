// What lading asks of an engine is what the docker command asks of it, taken down on the way.
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import assert from "node:assert/strict";
import { dockerConfigCredentials, parseDockerConfig } from "../../lib/auth/mod.ts";
import { streamOf } from "../../lib/bytes/mod.ts";
import { decodeBase64 } from "../../lib/model/base64.ts";
import { formatReference, parseReference } from "../../lib/model/reference.ts";
import { Engine } from "../../lib/runtime/engine.ts";
import { readTar } from "../../lib/tar/mod.ts";
import { type DockerEngine, noDockerEngine, withDockerEngine } from "../support/docker_engine.ts";
import { withDockerRegistry } from "../support/docker_registry.ts";
import { inScratch, run } from "../support/program.ts";
import { type RecordedRequest, withRecordingProxy } from "../support/recording_proxy.ts";

const skip = noDockerEngine("docker", "docker-registry");

/** What there is to work with. */
interface Place {
  /** A folder with `tree.tar`, `image.tar` and the context of a build in `context`. */
  readonly folder: string;
  /** The host of the registry; it has `base:1` and `base:2`, and is logged in to. */
  readonly host: string;
  /** The digest of `base:1` there. */
  readonly digest: string;
}

/** One thing that both can do. */
interface Row {
  readonly name: string;
  /** Commands that make the engine ready, before each of the two. */
  readonly before?: readonly (readonly string[])[];
  /** The command. */
  readonly docker: readonly string[];
  readonly lading: (engine: Engine) => PromiseLike<unknown>;
  /** Whether the engine fails, after it was asked. */
  readonly isFailing?: boolean;
}

function rows({ folder, host, digest }: Place): readonly Row[] {
  const tree = join(folder, "tree.tar");
  const image = join(folder, "image.tar");
  const context = join(folder, "context");
  const bytes = (path: string): Uint8Array<ArrayBuffer> => new Uint8Array(readFileSync(path));
  const tagged = [["tag", "app:1", "site:2"]];
  const remote = [["tag", "app:1", `${host}/app:1`]];
  return [
    { name: "list", docker: ["images"], lading: ({ images }) => images.list() },
    {
      name: "list all of a name",
      docker: ["images", "-a", "app"],
      lading: ({ images }) => images.list({ all: true, name: "app" }),
    },
    {
      name: "list by filters",
      docker: [
        "images",
        ...["label=a=b", "label=c", "dangling=true", "before=app:1"].flatMap(
          (filter) => ["--filter", filter],
        ),
      ],
      lading: ({ images }) =>
        images.list({ filters: { label: ["a=b", "c"], dangling: true, before: "app:1" } }),
    },
    {
      name: "inspect",
      docker: ["image", "inspect", "app:1"],
      lading: ({ images }) => images.get("app:1"),
    },
    {
      name: "history",
      docker: ["history", "app:1"],
      lading: ({ images }) => images.history("app:1"),
    },
    {
      name: "tag",
      docker: ["tag", "app:1", "site:2"],
      lading: ({ images }) => images.tag("app:1", "site:2"),
    },
    {
      name: "tag for a registry, without a tag",
      docker: ["tag", "app:1", `${host}/acme/site`],
      lading: ({ images }) => images.tag("app:1", `${host}/acme/site`),
    },
    {
      name: "remove a name",
      before: tagged,
      docker: ["rmi", "site:2"],
      lading: ({ images }) => images.remove("site:2"),
    },
    {
      name: "remove by force",
      before: tagged,
      docker: ["rmi", "-f", "--no-prune", "site:2"],
      lading: ({ images }) => images.remove("site:2", { force: true, noPrune: true }),
    },
    { name: "prune", docker: ["image", "prune", "-f"], lading: ({ images }) => images.prune() },
    {
      name: "prune by filters",
      docker: ["image", "prune", "-a", "-f", "--filter", "label=z", "--filter", "until=1h"],
      lading: ({ images }) =>
        images.prune({ filters: { dangling: false, label: "z", until: "1h" } }),
    },
    {
      name: "prune the cache of builds",
      docker: ["builder", "prune", "-f"],
      lading: ({ images }) => images.pruneBuilds(),
    },
    {
      name: "prune the cache of builds by filters",
      docker: ["builder", "prune", "-a", "-f", "--keep-storage", "10", "--filter", "until=1h"],
      lading: ({ images }) =>
        images.pruneBuilds({ all: true, reservedSpace: 10, filters: { until: "1h" } }),
    },
    {
      name: "save",
      docker: ["save", "-o", join(folder, "out.tar"), "app:1"],
      lading: ({ images }) => drain(images.save("app:1")),
    },
    {
      name: "save several",
      before: tagged,
      docker: ["save", "-o", join(folder, "out.tar"), "app:1", "site:2"],
      lading: ({ images }) => drain(images.save(["app:1", "site:2"])),
    },
    {
      // Without a terminal the command asks for no progress.
      name: "load",
      docker: ["load", "-i", image],
      lading: ({ images }) => images.load({ file: image }, { quiet: true }),
    },
    {
      name: "import",
      docker: ["import", tree, "tree:1"],
      lading: ({ images }) => images.import({ file: tree }, { name: "tree:1" }),
    },
    {
      name: "import with changes",
      docker: [
        ...["import", "-c", 'CMD ["a"]', "-c", "ENV a=b", "-m", "why"],
        ...["--platform", "linux/amd64", tree, "tree:2"],
      ],
      lading: ({ images }) =>
        images.import(bytes(tree), {
          name: "tree:2",
          changes: ['CMD ["a"]', "ENV a=b"],
          message: "why",
          platform: "linux/amd64",
        }),
    },
    {
      name: "import a URL",
      isFailing: true,
      docker: ["import", `http://${host}/nosuch.tar`],
      lading: ({ images }) => images.import({ url: `http://${host}/nosuch.tar` }),
    },
    {
      name: "push",
      before: remote,
      docker: ["push", `${host}/app:1`],
      lading: ({ images }) => images.push(`${host}/app:1`),
    },
    {
      name: "push all tags",
      before: remote,
      docker: ["push", "-a", `${host}/app`],
      lading: ({ images }) => images.push(`${host}/app`, { allTags: true }),
    },
    {
      name: "pull",
      docker: ["pull", `${host}/base:1`],
      lading: ({ images }) => images.pull(`${host}/base:1`),
    },
    {
      name: "pull the latest",
      isFailing: true,
      docker: ["pull", `${host}/base`],
      lading: ({ images }) => images.pull(`${host}/base`),
    },
    {
      name: "pull from Docker Hub",
      isFailing: true,
      docker: ["pull", "nosuch-image"],
      lading: ({ images }) => images.pull("nosuch-image"),
    },
    {
      name: "pull all tags",
      docker: ["pull", "-a", `${host}/base`],
      lading: ({ images }) => images.pullAll(`${host}/base`),
    },
    {
      name: "pull a digest of a platform",
      docker: ["pull", "--platform", "linux/amd64", `${host}/base@${digest}`],
      lading: ({ images }) => images.pull(`${host}/base@${digest}`, { platform: "linux/amd64" }),
    },
    {
      name: "search",
      isFailing: true,
      docker: ["search", "--limit", "5", "--filter", "stars=3", `${host}/x`],
      lading: ({ images }) => images.search(`${host}/x`, { limit: 5, filters: { stars: 3 } }),
    },
    {
      name: "build",
      docker: [...["build", "-t", "built:1", context]],
      lading: ({ images }) => images.build(context, { tags: "built:1" }),
    },
    {
      name: "build with options",
      docker: [
        ...["build", "-t", "built:1", "-t", "built:2", "--build-arg", "A=1", "--label", "x=y"],
        ...["--no-cache", "--pull", "--network", "host", "--add-host", "h:1.2.3.4"],
        ...["--shm-size", "1m", "--ulimit", "nofile=1:2", "--memory", "100m", "--cache-from"],
        ...["app:1", "--force-rm", "--cpu-shares", "5", "--cpuset-cpus", "0", "--target", "one"],
        ...["-f", join(context, "sub/Other"), context],
      ],
      lading: ({ images }) =>
        images.build(context, {
          tags: ["built:1", "built:2"],
          buildArgs: { A: "1" },
          labels: { x: "y" },
          noCache: true,
          pull: true,
          networkMode: "host",
          extraHosts: { h: "1.2.3.4" },
          shmSize: 1024 * 1024,
          ulimits: [{ name: "nofile", soft: 1, hard: 2 }],
          limits: { memory: 100 * 1024 * 1024, cpuShares: 5, cpuSetCpus: "0" },
          cacheFrom: ["app:1"],
          forceRm: true,
          target: "one",
          dockerfile: "sub/Other",
        }),
    },
    {
      name: "build in silence, and leave containers",
      docker: ["build", "-q", "--rm=false", context],
      lading: ({ images }) => images.build(context, { quiet: true, rm: false }),
    },
    {
      name: "build with the context compressed",
      docker: ["build", "--compress", context],
      lading: ({ images }) => images.build(context, { gzip: true }),
    },
    {
      name: "log in",
      docker: ["login", "-u", "u", "-p", "p", host],
      lading: (engine) => engine.login({ registry: host, username: "u", password: "p" }),
    },
    { name: "version", docker: ["version"], lading: (engine) => engine.version() },
    { name: "info", docker: ["info"], lading: (engine) => engine.info() },
  ];
}

async function drain(stream: ReadableStream<Uint8Array>): Promise<void> {
  const reader = stream.getReader();
  while (!(await reader.read()).done);
}

/** What a request means, whoever wrote it. */
interface Meaning {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, unknown>>;
  readonly credentials: readonly unknown[];
  readonly body: unknown;
}

const JSON_PARAMETERS: ReadonlySet<string> = new Set([
  "buildargs",
  "cachefrom",
  "labels",
  "ulimits",
]);

/** What engines take when nothing is said. */
const DEFAULTS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "/build": { dockerfile: "Dockerfile", version: "1", rm: "1" },
  "/images/prune": { dangling: "true" },
};

async function meaningOf({ method, url, headers, body }: RecordedRequest): Promise<Meaning> {
  const { pathname, searchParams } = new URL(url, "http://engine");
  const path = decodeURIComponent(pathname).replace(/^\/v1\.\d+/, "");
  const query: Record<string, unknown> = {};
  for (const key of new Set(searchParams.keys())) {
    const values = searchParams.getAll(key);
    const [value = ""] = values;
    if (value === "" || value === "0" && key !== "rm" || value === DEFAULTS[path]?.[key]) continue;
    if (key === "filters") query[key] = filtersOf(path, value);
    else if (JSON_PARAMETERS.has(key)) query[key] = JSON.parse(value);
    else query[key] = values;
  }
  // A name may be one parameter, or two.
  if (searchParams.has("repo")) {
    const tag = searchParams.get("tag") ?? "";
    const name = `${searchParams.get("repo")}${tag === "" ? "" : `:${tag}`}`;
    query["repo"] = formatReference(parseReference(name));
    delete query["tag"];
  }
  if (Object.keys((query["filters"] ?? {}) as object).length === 0) delete query["filters"];
  const credentials = ["x-registry-auth", "x-registry-config"].map((name) => {
    const value = headers[name];
    return typeof value === "string" ? decoded(value) : {};
  });
  return { method, path, query, credentials, body: await bodyOf(path, body) };
}

function filtersOf(path: string, text: string): Record<string, unknown> {
  const filters: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(JSON.parse(text) as Record<string, object>)) {
    const values = (Array.isArray(value) ? value : Object.keys(value)).sort();
    if (values.join() !== DEFAULTS[path]?.[key]) filters[key] = values;
  }
  return filters;
}

function decoded(header: string): unknown {
  const base64 = header.replaceAll("-", "+").replaceAll("_", "/");
  return JSON.parse(new TextDecoder().decode(decodeBase64(base64)));
}

async function bodyOf(path: string, body: Uint8Array): Promise<unknown> {
  const text = new TextDecoder().decode(body);
  if (path === "/build") return await entriesOf(body);
  if (path === "/auth") return JSON.parse(text);
  // Engines read credentials there when the header has none.
  if (path.endsWith("/push")) return Object.keys(JSON.parse(text || "{}") as object);
  return text;
}

/** The entries of a context. */
async function entriesOf(body: Uint8Array): Promise<unknown> {
  const isCompressed = body[0] === 0x1f;
  const plain = isCompressed
    ? new Blob([new Uint8Array(body)]).stream().pipeThrough(new DecompressionStream("gzip"))
    : streamOf(new Uint8Array(body));
  const entries: Record<string, unknown> = {};
  for await (const entry of readTar(plain as ReadableStream<Uint8Array<ArrayBuffer>>)) {
    const { path, type, mode, uid, gid, size, linkPath, mtime } = entry;
    const text = type === "file" ? await entry.text() : "";
    entries[path] = { type, mode, uid, gid, size, linkPath, mtime: Math.floor(mtime), text };
  }
  return { isCompressed, entries };
}

/** What was asked, without the questions for the version of the API. */
async function asked(requests: readonly RecordedRequest[], row: Row): Promise<Meaning[]> {
  const all = requests.filter(({ url }) => !/\/_ping$/.test(url));
  const meanings = await Promise.all(all.map(meaningOf));
  // What is looked up afterwards, to give an image back, is not the request for the work.
  return row.name === "inspect"
    ? meanings
    : meanings.filter(({ method, path }) =>
      method !== "GET" || !/^\/images\/(?!get|search|json$).*\/json$/.test(path)
    ).slice(0, 1);
}

async function makePlace(
  folder: string,
  host: string,
  { docker }: DockerEngine,
): Promise<Place> {
  const context = join(folder, "context");
  mkdirSync(join(context, "sub"), { recursive: true });
  const from = `FROM ${host}/base:1 AS one\nCOPY . /\nLABEL a=b\n`;
  writeFileSync(join(context, "Dockerfile"), from);
  writeFileSync(join(context, "sub/Other"), from);
  writeFileSync(join(context, "sub/ä b.txt"), "hello\n", { mode: 0o755 });
  writeFileSync(join(context, "left.out"), "no");
  writeFileSync(join(context, ".dockerignore"), "*.out\n!nothing\n");
  cpSync("README.md", join(context, "sub/README.md"));
  await run("tar", ["cf", join(folder, "tree.tar"), "-C", context, "sub"]);
  await docker("import", join(folder, "tree.tar"), "app:1");
  await docker("save", "-o", join(folder, "image.tar"), "app:1");
  let digest = "";
  for (const tag of ["1", "2"]) {
    const name = `${host}/base:${tag}`;
    await docker("tag", "app:1", name);
    const { stdout } = await docker("push", name);
    digest = /sha256:[0-9a-f]{64}/.exec(stdout)?.[0] ?? "";
    await docker("rmi", name);
  }
  return { folder, host, digest };
}

test(
  "lading asks of an engine what the docker command asks",
  { skip },
  () =>
    inScratch((folder) =>
      withDockerRegistry(
        join(folder, "registry"),
        (host) =>
          withDockerEngine(join(folder, "engine"), async (daemon) => {
            const place = await makePlace(folder, host, daemon);
            const socket = join(folder, "proxy.sock");
            const config = join(folder, "docker");
            mkdirSync(config);
            const auths = { [host]: { auth: btoa("u:p?>") } };
            writeFileSync(join(config, "config.json"), JSON.stringify({ auths }));
            const env = {
              DOCKER_HOST: `unix://${socket}`,
              DOCKER_CONFIG: config,
              DOCKER_BUILDKIT: "0",
            };
            const target = (daemon.env["DOCKER_HOST"] ?? "").replace(/^unix:\/\//, "");
            await withRecordingProxy(socket, target, async (proxy) => {
              const credentials = dockerConfigCredentials(
                parseDockerConfig(JSON.stringify({ auths })),
              );
              await using engine = await Engine.connect({ host: env.DOCKER_HOST, credentials });
              for (const row of rows(place)) {
                const ready = async (): Promise<void> => {
                  for (const args of row.before ?? []) await daemon.docker(...args);
                  proxy.take();
                };
                await ready();
                const { code, stderr } = await run("docker", row.docker, { env });
                assert.equal(code !== 0, row.isFailing ?? false, `${row.name}: ${stderr}`);
                const theirs = await asked(proxy.take(), row);
                assert.equal(theirs.length, 1, `${row.name}: docker asked nothing`);
                await ready();
                const error = await Promise.resolve(row.lading(engine)).then(() => {}, (e) => e);
                assert.equal(error !== undefined, row.isFailing ?? false, `${row.name}: ${error}`);
                const ours = await asked(proxy.take(), row);
                assert.deepEqual(ours, theirs, row.name);
              }
            });
          }),
      )
    ),
);
