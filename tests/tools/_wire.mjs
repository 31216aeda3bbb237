// Two servers for runtimes that can start none: a registry that leads away, and a storage host.
import { createServer } from "node:http";

/** What pages of another origin need to see answers at all. */
function allowOrigins(request, response) {
  response.setHeader("access-control-allow-origin", "*");
  response.setHeader("access-control-expose-headers", "*");
  if (request.method !== "OPTIONS") return false;
  const { "access-control-request-headers": headers = "*" } = request.headers;
  response.setHeader("access-control-allow-headers", headers);
  response.setHeader("access-control-allow-methods", "GET, HEAD, POST, PUT, PATCH, DELETE");
  response.writeHead(204).end();
  return true;
}

async function bodyOf(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

async function listen(handler) {
  const server = createServer((request, response) => {
    handler(request, response).catch(() => response.destroy());
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

/**
 * Starts both. `handle` answers the tests: a POST of `{ location, authorization, type, content }`
 * sets a case up and gives `{ id, registry, storage }`, the ports; `ID` and `PORT` stand for the
 * case and the storage in the location. A GET of `?id=` gives what has come over the wire since.
 * Requests belong to the case whose number is in their path.
 */
export async function startWire() {
  const cases = new Map();

  const note = async (where, request) => {
    const found = cases.get(/case-\d+/.exec(request.url)?.[0]);
    const { method, url: path, headers } = request;
    found?.seen.push({ where, method, path, headers, body: await bodyOf(request) });
    return found;
  };

  const registry = await listen(async (request, response) => {
    const found = await note("registry", request);
    if (allowOrigins(request, response)) return;
    if (request.headers.authorization !== found?.authorization) {
      response.setHeader("www-authenticate", 'Basic realm="wire"');
      response.setHeader("set-cookie", "session=canary-cookie; Path=/");
      return response.writeHead(401).end();
    }
    response.setHeader("location", found.location);
    response.writeHead(request.method === "POST" ? 202 : 307).end();
  });

  const storage = await listen(async (request, response) => {
    const found = await note("storage", request);
    if (allowOrigins(request, response)) return;
    if (found === undefined) return response.writeHead(404).end();
    if (request.method === "PUT") return response.writeHead(201).end();
    const [, start, end] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "") ?? [];
    const { type, content } = found;
    const part = start === undefined ? content : content.slice(Number(start), Number(end) + 1);
    response.setHeader("content-type", type);
    response.setHeader("content-length", part.length);
    if (start !== undefined) {
      response.setHeader("content-range", `bytes ${start}-${end}/${content.length}`);
    }
    response.writeHead(start === undefined ? 200 : 206);
    response.end(request.method === "HEAD" ? undefined : part);
  });

  const ports = { registry: registry.address().port, storage: storage.address().port };
  return {
    async handle(request, response) {
      if (request.method === "POST") {
        const id = `case-${cases.size + 1}`;
        const wanted = JSON.parse(await bodyOf(request));
        const location = wanted.location.replace("ID", id).replace("PORT", ports.storage);
        cases.set(id, { ...wanted, location, seen: [] });
        return response.end(JSON.stringify({ id, ...ports }));
      }
      const id = new URL(request.url, "http://localhost").searchParams.get("id");
      response.end(JSON.stringify(cases.get(id)?.seen ?? []));
    },
    close() {
      for (const server of [registry, storage]) {
        server.closeAllConnections();
        server.close();
      }
    },
  };
}
