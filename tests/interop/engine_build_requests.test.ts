// What the docker command and lading send for the same build, beside each other.
import { chmodSync, mkdirSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import assert from "node:assert/strict";
import { type BuildOptions, Engine } from "../../lib/runtime/engine.ts";
import { streamOf } from "../../lib/bytes/mod.ts";
import { decompress } from "../../lib/compress/mod.ts";
import { readTar } from "../../lib/tar/mod.ts";
import { inScratch, missing, run } from "../support/program.ts";

interface Recorded {
  readonly path: string;
  readonly query: URLSearchParams;
  readonly contentType: string | undefined;
  readonly entries: readonly string[];
}

const ID = `sha256:${"5f".repeat(32)}`;

/** Runs `work` beside an engine that records what it is to build. */
async function recording(work: (host: string) => Promise<void>): Promise<Recorded[]> {
  const recorded: Recorded[] = [];
  const server = createServer(async (request, response) => {
    const parts: Uint8Array[] = [];
    for await (const part of request) parts.push(part);
    const url = new URL(request.url ?? "", "http://engine");
    response.setHeader("api-version", "1.41");
    response.setHeader("docker-experimental", "true");
    response.setHeader("ostype", "linux");
    response.setHeader("content-type", "application/json");
    if (url.pathname.endsWith("/build")) {
      recorded.push({
        path: url.pathname,
        query: url.searchParams,
        contentType: request.headers["content-type"],
        entries: await entriesOf(new Uint8Array(Buffer.concat(parts))),
      });
      response.end(`${JSON.stringify({ aux: { ID } })}\r\n`);
    } else {
      response.end(JSON.stringify({ Id: ID, ApiVersion: "1.41", Os: "linux" }));
    }
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  try {
    await work(`tcp://127.0.0.1:${(server.address() as AddressInfo).port}`);
    return recorded;
  } finally {
    server.close();
  }
}

async function entriesOf(tar: Uint8Array<ArrayBuffer>): Promise<string[]> {
  const found: string[] = [];
  for await (const entry of readTar(decompress(streamOf(tar)))) {
    const { path, type, mode, uid, gid, userName, mtime, linkPath } = entry;
    const isLink = type === "symlink";
    const text = type === "file" ? JSON.stringify(await entry.text()) : linkPath ?? "";
    found.push(
      [path, type, isLink ? "" : mode.toString(8), uid, gid, userName, mtime, text].join(" "),
    );
  }
  return found;
}

/** What the docker command says though it means nothing. */
const NOTHING: ReadonlySet<string> = new Set(["", "0", "{}", "[]", "null", "default"]);

/** The parameters that say something, in order. */
function meaning(query: URLSearchParams): string[] {
  return [...query].filter(([key, value]) =>
    !NOTHING.has(value) && !(key === "rm" && value === "1") &&
    !(key === "version" && value === "1")
  ).map(([key, value]) => `${key}=${value}`).sort();
}

const CASES: readonly (readonly [string, readonly string[], BuildOptions])[] = [
  ["nothing", [], {}],
  [
    "names and arguments",
    ["-t", "a:1", "-t", "r.test:5000/b/c", "--build-arg", "A=1", "--label", "a=b"],
    { tags: ["a:1", "r.test:5000/b/c"], buildArgs: { A: "1" }, labels: { a: "b" } },
  ],
  [
    "switches",
    ["--no-cache", "--pull", "-q", "--force-rm", "--squash", "--compress"],
    { noCache: true, pull: true, quiet: true, forceRm: true, squash: true, gzip: true },
  ],
  [
    "choices",
    [
      ...["--target", "x", "--platform", "linux/arm64", "--network", "none", "--shm-size", "64m"],
      ...["--cache-from", "a:1", "--add-host", "h:1.2.3.4", "--isolation", "hyperv"],
      ...["--cgroup-parent", "/p", "--security-opt", "a=b", "--ulimit", "nofile=10:20"],
    ],
    {
      target: "x",
      platform: "linux/arm64",
      networkMode: "none",
      shmSize: 64 * 2 ** 20,
      cacheFrom: ["a:1"],
      extraHosts: { h: "1.2.3.4" },
      isolation: "hyperv",
      cgroupParent: "/p",
      securityOptions: ["a=b"],
      ulimits: [{ name: "nofile", soft: 10, hard: 20 }],
    },
  ],
  [
    "limits",
    [
      ...["--memory", "64m", "--memory-swap", "-1", "--cpu-shares", "2", "--cpu-quota", "2000"],
      ...["--cpu-period", "3000", "--cpuset-cpus", "0-1", "--cpuset-mems", "0"],
    ],
    {
      limits: {
        memory: 64 * 2 ** 20,
        memorySwap: -1,
        cpuShares: 2,
        cpuQuota: 2000,
        cpuPeriod: 3000,
        cpuSetCpus: "0-1",
        cpuSetMems: "0",
      },
    },
  ],
];

test(
  "a build sends what the docker command sends: path, parameters, files of the context",
  { skip: missing("dockerd") },
  () =>
    inScratch(async (folder) => {
      const context = join(folder, "context");
      mkdirSync(join(context, "dir/empty"), { recursive: true });
      mkdirSync(join(context, "ignored"));
      for (
        const [name, text] of [
          ["Dockerfile", "FROM scratch\nLABEL a=b\n"],
          [".dockerignore", "# nothing\nignored\n*.log\n!keep.log\nDockerfile\n"],
          ["dir/script", "#!/bin/sh\n"],
          ["ignored/x", ""],
          ["a.log", ""],
          ["keep.log", "keep"],
          ["naïve-日本.txt", "text"],
          ["Zebra", ""],
          ["n".repeat(120), "long"],
        ] as const
      ) writeFileSync(join(context, name), text);
      chmodSync(join(context, "dir/script"), 0o4750);
      utimesSync(join(context, "dir/script"), 1_500_000_000.5, 1_500_000_000.5);
      symlinkSync("/nowhere", join(context, "link"));
      const recorded = await recording(async (host) => {
        await using engine = await Engine.connect({ host });
        for (const [name, args, options] of CASES) {
          const env = { DOCKER_HOST: host, DOCKER_BUILDKIT: "0", DOCKER_CONFIG: folder };
          const { code, stderr } = await run("docker", ["build", ...args, context], { env });
          assert.equal(code, 0, `${name}: ${stderr}`);
          await engine.images.build(context, options);
        }
      });
      assert.equal(recorded.length, 2 * CASES.length);
      for (const [index, [name]] of CASES.entries()) {
        const [theirs, ours] = recorded.slice(2 * index, 2 * index + 2);
        assert.equal(ours?.path, theirs?.path, name);
        assert.equal(ours?.contentType, theirs?.contentType, name);
        assert.deepEqual(
          meaning(ours?.query ?? new URLSearchParams()),
          meaning(theirs?.query ?? new URLSearchParams()),
          name,
        );
        assert.deepEqual(ours?.entries, theirs?.entries, name);
        assert.ok((ours?.entries.length ?? 0) > 8, name);
      }
    }),
);
