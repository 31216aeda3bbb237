// One file of a plain gzip layer in a real registry: layers as umoci writes them, bytes as skopeo and
// GNU tar have them.
import { createHash } from "node:crypto";
import { linkSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import assert from "node:assert/strict";
import { serve } from "../../lib/runtime/serve.ts";
import { noise } from "../image/table_layers.ts";
import { lading } from "../runtimes/lading_process.ts";
import { withDockerRegistry } from "../support/docker_registry.ts";
import { inScratch, missing, mustRun } from "../support/program.ts";

const skip = missing("docker-registry", "skopeo", "umoci");

const FILES = 60;
const FILE_BYTES = 1_000_000;

/** What compresses to half: noise, and text. */
function content(seed: number): Uint8Array {
  const bytes = new Uint8Array(FILE_BYTES);
  for (let at = 0; at < FILE_BYTES; at += 20_000) {
    bytes.set(noise(10_000, seed * 100 + at), at);
    bytes.set(
      new TextEncoder().encode(`line ${seed} ${at}\n`.repeat(500).slice(0, 9_000)),
      at + 10_000,
    );
  }
  return bytes;
}

/** Pushes an image of a large layer, a small one and a whiteout, as umoci makes them. */
async function pushImage(folder: string, host: string): Promise<void> {
  const at = (name: string) => join(folder, name);
  const [large, small, layout] = [at("large"), at("small"), at("layout")];
  mkdirSync(join(large, "sub"), { recursive: true });
  for (let index = 0; index < FILES; index++) {
    writeFileSync(join(large, "sub", `file${index}`), content(index));
  }
  linkSync(join(large, "sub", "file5"), join(large, "another name é"));
  symlinkSync("sub/file6", join(large, "link"));
  mkdirSync(small);
  writeFileSync(join(small, "note"), "of the upper layer\n");
  await mustRun("umoci", ["init", "--layout", layout]);
  const image = ["--image", `${layout}:app`];
  await mustRun("umoci", ["new", ...image]);
  await mustRun("umoci", ["insert", ...image, large, "/data"]);
  await mustRun("umoci", ["insert", ...image, small, "/upper"]);
  await mustRun("umoci", ["insert", ...image, "--whiteout", "/data/sub/file7"]);
  await mustRun("umoci", ["config", ...image, "--architecture=amd64", "--os=linux"]);
  const to = ["--dest-tls-verify=false", `docker://${host}/acme/app:1`];
  await mustRun("skopeo", ["copy", "--quiet", "--preserve-digests", `oci:${layout}:app`, ...to]);
}

/** Runs `work` with the address of a proxy before a registry, and what blobs have come over it. */
async function counted(
  host: string,
  work: (proxy: string, fetched: () => number) => Promise<void>,
): Promise<void> {
  let total = 0;
  const server = await serve(async (request) => {
    const { pathname, search } = new URL(request.url);
    const headers = new Headers(request.headers);
    headers.delete("host");
    const answer = await fetch(`http://${host}${pathname}${search}`, {
      method: request.method,
      headers,
    });
    const isBlob = request.method === "GET" && pathname.includes("/blobs/");
    if (isBlob) total += Number(answer.headers.get("content-length"));
    return answer;
  });
  try {
    await work(`127.0.0.1:${server.port}`, () => {
      const bytes = total;
      total = 0;
      return bytes;
    });
  } finally {
    await server.close();
  }
}

test(
  "a second lading cat fetches ranges, and writes what skopeo and tar write",
  { skip },
  () =>
    inScratch((folder) =>
      withDockerRegistry(folder, async (host) => {
        await pushImage(folder, host);
        const copied = join(folder, "copied");
        const from = ["--src-tls-verify=false", `docker://${host}/acme/app:1`];
        await mustRun("skopeo", ["copy", "--quiet", ...from, `dir:${copied}`]);
        const manifest = JSON.parse(readFileSync(join(copied, "manifest.json"), "utf8"));
        const [layer] = manifest.layers as { digest: string; size: number }[];
        assert.ok(layer !== undefined && layer.size > 25_000_000, `${layer?.size} bytes`);
        const archive = join(copied, layer.digest.replace("sha256:", ""));
        const hashOf = async (path: string) => {
          const script = 'LC_ALL=C.UTF-8 tar -xOzf "$0" "$1" | sha256sum';
          return (await mustRun("bash", ["-c", script, archive, path])).stdout.slice(0, 64);
        };
        const env = { LADING_CACHE: join(folder, "cache") };
        await counted(host, async (proxy, fetched) => {
          const cat = async (path: string) =>
            await lading(["cat", `${proxy}/acme/app:1`, path, "--platform", "linux/amd64"], {
              env,
            });
          const first = await cat("/data/sub/file0");
          assert.equal(first.code, 0, first.stderr);
          assert.ok(fetched() > layer.size);
          for (
            const [path, stored = path] of [
              ["data/sub/file0"],
              ["data/sub/file31"],
              ["data/sub/file59"],
              ["data/another name é"],
              // What has several names is stored under the first one.
              ["data/sub/file5", "data/another name é"],
              ["data/link", "data/sub/file6"],
            ] as const
          ) {
            const { code, bytes, stderr } = await cat(path);
            assert.equal(code, 0, stderr);
            assert.equal(bytes.length, FILE_BYTES, path);
            assert.equal(
              createHash("sha256").update(bytes).digest("hex"),
              await hashOf(stored),
              path,
            );
            const count = fetched();
            assert.ok(count < layer.size / 4, `${count} of ${layer.size} bytes for ${path}`);
          }
          assert.equal((await cat("/data/sub/file7")).code, 3);
          assert.equal((await cat("/upper/note")).stdout, "of the upper layer\n");
          assert.ok(fetched() < 10_000, "what the config and small layers have");
        });
      })
    ),
);
