// A loopback server that hands the corpus and bundles to runtimes without a file system.
import { createReadStream, readdirSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { join, normalize } from "node:path";
import { startWire } from "./_wire.mjs";

function list(corpus, folder) {
  return readdirSync(join(corpus, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(corpus.length + 1))
    .sort();
}

/** Starts the server; `routes` maps an extra path to a handler. */
export async function startTestServer(corpus, routes = {}) {
  const wire = await startWire();
  routes["/wire"] = wire.handle;
  const server = createServer((request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url, "http://x").pathname));
    response.setHeader("access-control-allow-origin", "*");
    try {
      if (routes[path] !== undefined) return routes[path](request, response);
      if (path.startsWith("/list/")) {
        return response.end(JSON.stringify(list(corpus, path.slice(6))));
      }
      const [, kind, ...rest] = path.split("/");
      const folder = kind === "corpus" ? corpus : routes[`/${kind}/`];
      const file = join(folder, ...rest);
      if (!statSync(file).isFile()) throw new Error("not a file");
      if (file.endsWith(".js")) response.setHeader("content-type", "text/javascript");
      if (file.endsWith(".html")) response.setHeader("content-type", "text/html");
      createReadStream(file).pipe(response);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    routes,
    close: () => {
      wire.close();
      server.closeAllConnections();
      server.close();
    },
  };
}
