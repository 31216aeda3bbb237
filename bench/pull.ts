// How fast is `lading pull` beside `skopeo copy docker:// oci:`? The same image, the same registry
// on loopback, into an empty layout each time.
import { rmSync } from "node:fs";
import { join } from "node:path";
import { DEBIAN_NEEDS, pushDebian } from "../tests/support/debian.ts";
import { withDockerRegistry } from "../tests/support/docker_registry.ts";
import { component, inScratch, missing, mustRun } from "../tests/support/program.ts";
import { compare, type Contender } from "./_rounds.ts";

const ROUNDS = 21;

/** Runtime -> the program and its arguments before the script. */
const RUNTIMES: Readonly<Record<string, readonly [string, ...string[]]>> = {
  "Node 24": ["node24"],
  "Bun": ["bun"],
  "Deno": ["deno", "run", "-A"],
  "Node of the machine": ["node"],
};

const absent = missing("docker-registry", ...DEBIAN_NEEDS);
if (absent !== false) throw new Error(`bench/pull ${absent}`);
await mustRun(component("node24") ?? "", ["tests/tools/build.mjs"]);
await inScratch((folder) =>
  withDockerRegistry(folder, async (host) => {
    await pushDebian(host, folder);
    for (const image of ["debian:gzip", "debian-zstd:zstd"]) {
      const layout = join(folder, "pulled");
      const prepare = () => rmSync(layout, { recursive: true, force: true });
      const copy = ["copy", "--quiet", "--src-tls-verify=false", "--preserve-digests"];
      const from = `docker://${host}/${image}`;
      const peer = {
        name: "skopeo copy",
        prepare,
        run: async () => void await mustRun("skopeo", [...copy, from, `oci:${layout}:image`]),
      };
      const contenders = Object.entries(RUNTIMES).map(([name, [program, ...args]]): Contender => ({
        name: `lading pull, ${name}`,
        prepare,
        async run() {
          const pull = ["pull", "--quiet", `${host}/${image}`, `oci:${layout}:image`];
          await mustRun(program, [...args, "dist/bin/lading.js", ...pull]);
        },
      }));
      await compare(`pull of ${image}, 200 MB unpacked`, peer, contenders, ROUNDS);
    }
  })
);
