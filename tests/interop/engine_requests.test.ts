// The requests that lading sends are those of the docker command: both talk through a proxy that
// writes them down.
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, request as httpRequest } from "node:http";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import assert from "node:assert/strict";
import { Engine } from "../../lib/runtime/engine.ts";
import { writeTar } from "../../lib/tar/writer.ts";
import { noDockerEngine, withDockerEngine } from "../support/docker_engine.ts";
import { freePort, withDockerRegistry } from "../support/docker_registry.ts";
import { inScratch, run } from "../support/program.ts";

const skip = noDockerEngine("docker-registry");

/** A request as far as it has a meaning. */
interface Noted {
  readonly method: string;
  readonly path: string;
  readonly query: readonly string[];
  readonly body: string;
  readonly auth: unknown;
}

/** What asks for versions and states, and is not about images. */
const ASIDE = /^\/(?:_ping|version|info)$/;

/** Writes truth and filters as one form: engines take several. */
function meaning([key, value]: [string, string]): string[] {
  if (key === "filters") {
    const filters = JSON.parse(value) as Record<string, readonly string[] | object>;
    const entries = Object.entries(filters).map(([name, values]) =>
      [name, Array.isArray(values) ? values : Object.keys(values)] as const
    );
    return [`filters=${JSON.stringify(Object.fromEntries(entries))}`];
  }
  // What is off by default says nothing.
  if (value === "" || value === "0" || value === "false") return [];
  return [`${key}=${value === "true" ? "1" : value}`];
}

function authOf(header: string | string[] | undefined): unknown {
  if (typeof header !== "string") return {};
  return JSON.parse(Buffer.from(header, "base64url").toString());
}

/** Notes the requests to an engine while `work` talks to the proxy. */
async function noting(socketPath: string, work: (host: string) => Promise<void>): Promise<Noted[]> {
  const noted: Noted[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks);
      note(request, body);
      const { method, url: path, headers } = request;
      const onward = httpRequest({ socketPath, method, path, headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 0, answer.headers);
        answer.pipe(response);
      });
      onward.on("error", () => response.destroy());
      onward.end(body);
    });
  });
  const note = ({ method = "", url = "", headers }: IncomingMessage, body: Buffer): void => {
    const { pathname, searchParams } = new URL(url, "http://engine");
    const path = pathname.replace(/^\/v[\d.]+/, "");
    if (ASIDE.test(path)) return;
    // Long bodies are archives: the same bytes, or a registry of credentials.
    const hash = createHash("sha256").update(body).digest("hex");
    noted.push({
      method,
      path: decodeURIComponent(path),
      query: [...searchParams].flatMap(meaning).sort(),
      body: body.length === 0 || body.toString() === "{}\n" || body.toString() === "{}" ? "" : hash,
      auth: authOf(headers["x-registry-auth"]),
    });
  };
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  try {
    await work(`tcp://127.0.0.1:${port}`);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
  return noted;
}

test("the requests of lading are those of the docker command", { skip }, async () => {
  await inScratch((folder) =>
    withDockerRegistry(
      folder,
      (registry) =>
        withDockerEngine(join(folder, "engine"), async ({ docker, hosts: [unix] }) => {
          const socket = unix.slice("unix://".length);
          const tree = writeTar([{ path: "a", body: new TextEncoder().encode("a") }]);
          const tar = join(folder, "tree.tar");
          writeFileSync(tar, new Uint8Array(await new Response(tree).arrayBuffer()));
          const config = join(folder, "config");
          await docker("import", tar, "base:1");
          const name = `${registry}/acme/app`;
          const archive = join(folder, "base.tar");
          await docker("save", "-o", archive, "base:1");
          const digest = await (async () => {
            await docker("tag", "base:1", `${name}:1`);
            await docker("push", `${name}:1`);
            const { stdout } = await docker("inspect", "-f", "{{index .RepoDigests 0}}", "base:1");
            return stdout.trim().split("@")[1] ?? "";
          })();
          type Use = (engine: Engine) => PromiseLike<unknown>;
          const cases: readonly [readonly string[], Use][] = [
            [["images"], ({ images }) => images.list()],
            [["images", "-a"], ({ images }) => images.list({ all: true })],
            [["images", "base"], ({ images }) => images.list({ name: "base" })],
            [
              ["images", "-f", "dangling=false", "-f", "label=a=b"],
              ({ images }) => images.list({ filters: { dangling: false, label: "a=b" } }),
            ],
            [["image", "inspect", "base:1"], ({ images }) => images.get("base:1")],
            [["history", "base:1"], ({ images }) => images.history("base:1")],
            [["tag", "base:1", "two"], ({ images }) => images.tag("base:1", "two")],
            [["tag", "base:1", `${name}:2`], ({ images }) => images.tag("base:1", `${name}:2`)],
            [["push", `${name}:2`], ({ images }) => images.push(`${name}:2`)],
            [["push", "-a", name], ({ images }) => images.push(name, { allTags: true })],
            [["pull", `${name}:1`], ({ images }) => images.pull(`${name}:1`)],
            [["pull", "-a", name], ({ images }) => images.pullAll(name)],
            [["pull", `${name}@${digest}`], ({ images }) => images.pull(`${name}@${digest}`)],
            [
              ["pull", "--platform", "linux/arm64", `${name}:1`],
              ({ images }) => images.pull(`${name}:1`, { platform: "linux/arm64" }),
            ],
            [["save", "-o", join(folder, "out.tar"), "base:1", "two"], async ({ images }) => {
              await new Response(images.save(["base:1", "two"])).arrayBuffer();
            }],
            // Without a terminal the docker command is quiet of its own accord.
            [
              ["load", "-q", "-i", archive],
              ({ images }) => images.load({ file: archive }, { quiet: true }),
            ],
            [
              ["import", "-m", "hello", "-c", "CMD a", "-c", "ENV b=c", tar, "new:1"],
              ({ images }) =>
                images.import({ file: tar }, {
                  name: "new:1",
                  message: "hello",
                  changes: ["CMD a", "ENV b=c"],
                }),
            ],
            [
              ["import", "http://127.0.0.1:1/x.tar", "url:1"],
              async ({ images }) =>
                await images.import({ url: "http://127.0.0.1:1/x.tar" }, { name: "url:1" }).catch(
                  () => {},
                ),
            ],
            [["pull", "nosuch:1"], ({ images }) => images.pull("nosuch:1").catch(() => {})],
            [["push", "acme/nosuch"], ({ images }) => images.push("acme/nosuch").catch(() => {})],
            [["tag", "base:1", "acme/x:2"], ({ images }) => images.tag("base:1", "acme/x:2")],
            [["rmi", "two"], ({ images }) => images.remove("two").catch(() => {})],
            [
              ["rmi", "-f", "--no-prune", "new:1"],
              ({ images }) =>
                images.remove("new:1", { force: true, noPrune: true }).catch(() => {}),
            ],
            [
              ["image", "prune", "-f"],
              ({ images }) => images.prune({ filters: { dangling: true } }),
            ],
            [
              ["image", "prune", "-a", "-f", "--filter", "label=x"],
              ({ images }) => images.prune({ filters: { dangling: false, label: "x" } }),
            ],
            [
              ["search", "--limit", "5", "127.0.0.1:1/x"],
              ({ images }) => images.search("127.0.0.1:1/x", { limit: 5 }).catch(() => {}),
            ],
          ];
          for (const [args, use] of cases) {
            const environment = { DOCKER_CONFIG: config };
            const theirs = await noting(socket, async (host) => {
              await run("docker", args, { env: { ...environment, DOCKER_HOST: host } });
            });
            const ours = await noting(socket, async (host) => {
              await using engine = await Engine.connect({ host, environment });
              await use(engine);
            });
            // The first one does the work; what follows asks for the image that it made.
            assert.deepEqual(ours[0], theirs[0], `docker ${args.join(" ")}`);
          }
        }),
    )
  );
});
