// How fast is `lading copy` beside `skopeo copy`? From one registry on loopback to another, and from
// an OCI layout to a registry. The target is a new, empty registry each time: skopeo remembers where
// it has pushed a layer, and would mount it from there.
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { DEBIAN_NEEDS, pushDebian } from "../tests/support/debian.ts";
import { withDockerRegistry } from "../tests/support/docker_registry.ts";
import { component, inScratch, missing, mustRun } from "../tests/support/program.ts";
import { compare, type Contender } from "./_rounds.ts";

const ROUNDS = 15;

/** Runtime -> the program and its arguments before the script. */
const RUNTIMES: Readonly<Record<string, readonly [string, ...string[]]>> = {
  "Node 24": ["node24"],
  "Bun": ["bun"],
  "Deno": ["deno", "run", "-A"],
  "Node of the machine": ["node"],
};

const absent = missing("docker-registry", ...DEBIAN_NEEDS);
if (absent !== false) throw new Error(`bench/copy ${absent}`);
await mustRun(component("node24") ?? "", ["tests/tools/build.mjs"]);

/** A registry that is another one, and empty, each time. */
class FreshRegistry {
  readonly #folder: string;
  #stop: () => Promise<void> = () => Promise.resolve();
  host = "";

  constructor(folder: string) {
    this.#folder = folder;
  }

  async renew(): Promise<void> {
    await this.close();
    const folder = mkdtempSync(join(this.#folder, "to-"));
    await new Promise<void>((ready, fail) => {
      const running = withDockerRegistry(folder, (host) => {
        this.host = host;
        return new Promise<void>((end) => {
          this.#stop = async () => {
            end();
            await running;
            rmSync(folder, { recursive: true, force: true });
          };
          ready();
        });
      });
      running.catch(fail);
    });
  }

  async close(): Promise<void> {
    await this.#stop();
    this.#stop = () => Promise.resolve();
  }
}

await inScratch((folder) =>
  withDockerRegistry(join(folder, "from"), async (from) => {
    await pushDebian(from, folder);
    const layout = `oci:${join(folder, "layout")}:image`;
    const source = `docker://${from}/debian:gzip`;
    const skopeo = [
      ...["copy", "--quiet", "--preserve-digests"],
      ...["--src-tls-verify=false", "--dest-tls-verify=false"],
    ];
    await mustRun("skopeo", ["copy", "--quiet", "--src-tls-verify=false", source, layout]);
    const target = new FreshRegistry(folder);
    const prepare = (): Promise<void> => target.renew();
    const ways = [["registry to registry", source], ["layout to registry", layout]] as const;
    for (const [title, place] of ways) {
      const to = (): string => `docker://${target.host}/copied:1`;
      const peer = {
        name: "skopeo copy",
        prepare,
        run: async () => void await mustRun("skopeo", [...skopeo, place, to()]),
      };
      const contenders = Object.entries(RUNTIMES).map(([name, [program, ...args]]): Contender => ({
        name: `lading copy, ${name}`,
        prepare,
        async run() {
          const copy = ["copy", "--quiet", place, to()];
          await mustRun(program, [...args, "dist/bin/lading.js", ...copy]);
        },
      }));
      await compare(`${title}, 200 MB unpacked`, peer, contenders, ROUNDS);
    }
    await target.close();
  })
);
