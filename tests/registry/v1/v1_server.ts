// A registry of version 1 for tests: the index and the hosts with images, as one handler.
import { readAll } from "../../../lib/bytes/mod.ts";
import { digestBytes } from "../../../lib/hash/mod.ts";
import type { Bytes, ByteStream } from "../../../lib/model/bytes.ts";
import type { Transport } from "../../../lib/model/transport.ts";

/** An image of the server. */
export interface StoredImage {
  readonly json: Bytes;
  layer?: Bytes;
  checksum?: string;
}

/** A request that the server has answered. */
export interface V1Request {
  readonly host: string;
  readonly method: string;
  readonly path: string;
  readonly headers: Headers;
  readonly status: number;
}

/** What a server is like. */
export interface V1ServerOptions {
  /** The host of the index. */
  readonly host?: string;
  /** The hosts with images; default that of the index. */
  readonly hosts?: readonly string[];
  /** What the index names as hosts, where that is not what they are. */
  readonly named?: string;
  /** The users; without any everybody may do everything, and there are no tokens. */
  readonly users?: Readonly<Record<string, string>>;
  /** Gives a fresh token with each answer; the one before is void then. */
  readonly isRotating?: boolean;
  /** Sets a cookie and wants it back. */
  readonly hasCookies?: boolean;
  /** Lists tags as the first servers did. */
  readonly hasOldTags?: boolean;
  /** Leaves out the quotes of tags. */
  readonly isUnquoted?: boolean;
  /** Says nothing of checksums and sizes. */
  readonly isSilent?: boolean;
  /** Has no index: knows no lists of images. */
  readonly isStandalone?: boolean;
  /** Answers before the server does. */
  readonly intercept?: (request: Request, url: URL) => Response | undefined;
}

const utf8 = (text: string): Bytes => new TextEncoder().encode(text);
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

function json(value: unknown, init: ResponseInit = {}): Response {
  return new Response(JSON.stringify(value), init);
}

function error(status: number, message: string, headers: Record<string, string> = {}): Response {
  return json({ error: message }, { status, headers });
}

/** A registry of version 1. */
export class V1Server {
  readonly images: Map<string, StoredImage> = new Map();
  readonly repositories: Map<string, Map<string, string>> = new Map();
  readonly lists: Map<string, { id: string; Tag?: string; checksum?: string }[]> = new Map();
  readonly requests: V1Request[] = [];
  readonly host: string;
  readonly #options: V1ServerOptions;
  readonly #tokens = new Map<string, { repository: string; access: string }>();
  #count = 0;

  constructor(options: V1ServerOptions = {}) {
    this.#options = options;
    this.host = options.host ?? "v1.test";
  }

  /** Leads to the server. */
  get transport(): Transport {
    return async (request) => {
      const url = new URL(request.url);
      request.signal.throwIfAborted();
      const hosts = this.#options.hosts ?? [];
      if (url.host !== this.host && !hosts.includes(url.host)) {
        throw new TypeError(`no way to ${url.host}`);
      }
      const headers = new Headers(request.headers);
      const answer = this.#options.intercept?.(request, url) ?? await this.#answer(request, url);
      const { method } = request;
      const path = url.pathname + url.search;
      this.requests.push({ host: url.host, method, path, headers, status: answer.status });
      return answer;
    };
  }

  /** Puts an image there, as a push would. */
  put(image: { id: string; parent?: string } & Record<string, unknown>, layer: Bytes): void {
    const raw = utf8(JSON.stringify(image));
    this.images.set(image.id, { json: raw, layer, checksum: checksumOf(raw, layer) });
  }

  /** Names an image. */
  tag(repository: string, tag: string, id: string): void {
    const tags = this.repositories.get(repository) ?? new Map<string, string>();
    this.repositories.set(repository, tags.set(tag, id));
    this.lists.set(repository, [...this.images.keys()].map((id) => ({ id })));
  }

  async #answer(request: Request, url: URL): Promise<Response> {
    const { hosts } = this.#options;
    const isIndex = url.host === this.host;
    const isHost = hosts === undefined ? isIndex : hosts.includes(url.host);
    const answer = isIndex ? await this.#indexAnswer(request, url) : undefined;
    if (answer !== undefined) return answer;
    if (!isHost || !url.pathname.startsWith("/v1/")) return error(404, "no such page");
    return await this.#hostAnswer(request, url);
  }

  /** Who asks; `false` for a wrong password. */
  #user(request: Request): string | undefined | false {
    const header = request.headers.get("authorization") ?? "";
    if (!header.startsWith("Basic ")) return undefined;
    const [name = "", password = ""] = atob(header.slice(6)).split(":");
    const { users } = this.#options;
    return users === undefined ? name : users[name] === password && name;
  }

  async #indexAnswer(request: Request, url: URL): Promise<Response | undefined> {
    const { users, isStandalone = false } = this.#options;
    const { method } = request;
    const user = this.#user(request);
    const refuse = () =>
      error(401, "Unauthorized", { "www-authenticate": 'Basic realm="auth required",Token' });
    if (url.pathname === "/v1/_ping") {
      if (user === false) return refuse();
      return json(true, {
        headers: {
          "x-docker-registry-version": "0.9.1",
          "x-docker-registry-standalone": String(isStandalone),
        },
      });
    }
    if (url.pathname === "/v1/users/") return user === false ? refuse() : json("OK");
    if (url.pathname === "/v1/search") return this.#search(url);
    const found = /^\/v1\/repositories\/([^/]+\/[^/]+)(\/(?:images)?)$/.exec(url.pathname);
    if (found === null || isStandalone && method !== "PUT" && method !== "DELETE") return undefined;
    const [, repository = "", suffix = ""] = found;
    if (user === false || users !== undefined && user === undefined && method !== "GET") {
      return refuse();
    }
    const isDelete = method === "DELETE" && suffix === "/";
    if (isDelete && request.headers.get("authorization")?.startsWith("Token ")) return undefined;
    // Without a host of its own the index deletes at once.
    const isOne = this.#options.hosts === undefined && users === undefined;
    if (isDelete && isOne) {
      return this.repositories.delete(repository) ? json("OK") : error(404, "no repository");
    }
    const hasToken = request.headers.get("x-docker-token") === "true";
    if (isDelete && !hasToken) return json("OK");
    if (method === "PUT" && suffix === "/images") {
      if (request.headers.get("x-docker-endpoints") === null) return error(400, "no endpoints");
      const sums = await request.json() as { id: string; checksum?: string }[];
      this.lists.set(repository, [...this.lists.get(repository) ?? [], ...sums]);
      return new Response(null, { status: 204 });
    }
    const access = isDelete ? "delete" : method === "PUT" ? "write" : "read";
    const headers = this.#welcome(repository, access);
    if (method === "GET" && suffix === "/images") {
      const list = this.lists.get(repository);
      return list === undefined ? error(404, "Repository not found") : json(list, { headers });
    }
    if (method === "PUT" && suffix === "/") {
      await request.json();
      return json("", { status: 200, headers });
    }
    if (isDelete) {
      return this.repositories.has(repository)
        ? json("", { status: 202, headers })
        : error(404, "Repository not found");
    }
    return undefined;
  }

  #welcome(repository: string, access: string): Headers {
    const { users, hosts, named = hosts?.join(", "), hasCookies } = this.#options;
    const headers = new Headers();
    if (users !== undefined) headers.set("x-docker-token", this.#token(repository, access));
    if (named !== undefined) headers.set("x-docker-endpoints", named);
    if (hasCookies) headers.append("set-cookie", "session=index; Path=/; HttpOnly");
    return headers;
  }

  #token(repository: string, access: string): string {
    const token = `signature=${++this.#count},repository="${repository}",access=${access}`;
    this.#tokens.set(token, { repository, access });
    return token;
  }

  #search(url: URL): Response {
    const query = url.searchParams.get("q") ?? "";
    const page = Number(url.searchParams.get("page") ?? 1);
    const names = [...this.repositories.keys()].filter((name) => name.includes(query));
    // Two to a page.
    const results = names.slice(page * 2 - 2, page * 2).map((name) => ({ name, description: "d" }));
    const pages = Math.ceil(names.length / 2);
    return json({
      num_pages: pages,
      num_results: names.length,
      results,
      page,
      page_size: 2,
      query,
    });
  }

  async #hostAnswer(request: Request, url: URL): Promise<Response> {
    const headers = new Headers();
    const refused = this.#refusal(request, headers);
    const answer = refused ?? await this.#route(request, url);
    for (const [name, value] of headers) answer.headers.append(name, value);
    return answer;
  }

  #refusal(request: Request, headers: Headers): Response | undefined {
    const { users, isRotating, hasCookies } = this.#options;
    if (hasCookies && !/\bsession=/.test(request.headers.get("cookie") ?? "")) {
      headers.append("set-cookie", "session=host; Path=/");
      return error(400, "no cookie");
    }
    if (users === undefined) return undefined;
    const header = request.headers.get("authorization") ?? "";
    const token = header.startsWith("Token ") ? header.slice(6) : "";
    const known = this.#tokens.get(token);
    if (known === undefined) {
      return error(401, "Requires authorization", { "www-authenticate": "Token" });
    }
    const isWrite = request.method !== "GET" && request.method !== "HEAD";
    if (isWrite && known.access === "read") return error(403, "Access denied");
    if (isRotating) {
      this.#tokens.delete(token);
      headers.set("x-docker-token", this.#token(known.repository, known.access));
    }
    return undefined;
  }

  /** Makes all tokens void, as time does. */
  expireTokens(): void {
    this.#tokens.clear();
  }

  async #route(request: Request, url: URL): Promise<Response> {
    const image = /^\/v1\/images\/([^/]+)\/(json|layer|ancestry|checksum)$/.exec(url.pathname);
    if (image !== null) return await this.#image(request, image[1] ?? "", image[2] ?? "");
    const tags = /^\/v1\/repositories\/([^/]+\/[^/]+)\/(?:tags(?:\/([^/]+))?)?$/.exec(url.pathname);
    if (tags !== null) return await this.#tags(request, url, tags[1] ?? "", tags[2]);
    return error(404, "no such page");
  }

  async #tags(request: Request, url: URL, repository: string, tag?: string): Promise<Response> {
    const { hasOldTags, isUnquoted } = this.#options;
    const tags = this.repositories.get(repository);
    if (request.method === "PUT" && tag !== undefined) {
      this.tag(repository, tag, await request.json() as string);
      return json(true);
    }
    if (tags === undefined) return error(404, "Repository not found");
    if (tag === undefined && !url.pathname.endsWith("/tags")) {
      this.repositories.delete(repository);
      return json(true);
    }
    if (tag === undefined) {
      const list = [...tags].map(([name, layer]) => ({ name, layer: layer.slice(0, 8) }));
      return json(hasOldTags ? list : Object.fromEntries(tags));
    }
    const id = tags.get(tag);
    if (id === undefined) return error(404, "Tag not found");
    if (request.method === "DELETE") {
      tags.delete(tag);
      return json(true);
    }
    return isUnquoted ? new Response(id) : json(id);
  }

  async #image(request: Request, id: string, part: string): Promise<Response> {
    const image = this.images.get(id);
    if (request.method === "PUT") return await this.#putImage(request, id, part);
    if (image === undefined) return error(404, "Image not found");
    const { isSilent } = this.#options;
    const { layer } = image;
    switch (part) {
      case "json": {
        if (layer === undefined) return error(400, "Image is being uploaded, retry later");
        const headers: Record<string, string> = isSilent ? {} : {
          "x-docker-size": String(layer.byteLength),
          "x-docker-checksum-payload": image.checksum ?? "",
        };
        return new Response(image.json, { headers });
      }
      case "ancestry":
        return json(this.#ancestry(id));
      case "layer":
        return layer === undefined ? error(404, "Layer not found") : ranged(request, layer);
      default:
        return error(404, "no such page");
    }
  }

  #ancestry(id: string): string[] {
    const { json } = this.images.get(id) ?? {};
    if (json === undefined) return [id];
    const { parent } = JSON.parse(text(json)) as { parent?: string };
    return [id, ...parent === undefined ? [] : this.#ancestry(parent)];
  }

  async #putImage(request: Request, id: string, part: string): Promise<Response> {
    const image = this.images.get(id);
    const stream = request.body as ByteStream | null;
    const body = stream === null ? utf8("") : await readAll(stream, { maxBytes: 1e8 });
    if (part === "json") {
      if (image?.layer !== undefined) return error(409, "Image already exists");
      const { parent, id: own } = JSON.parse(text(body)) as { parent?: string; id: string };
      if (own !== id) return error(400, "Invalid id");
      if (parent !== undefined && !this.images.has(parent)) return error(400, "No parent");
      this.images.set(id, { json: body });
      return json(true);
    }
    if (image === undefined) return error(404, "Image not found");
    if (part === "layer") {
      image.layer = body;
      return json(true);
    }
    const given = request.headers.get("x-docker-checksum-payload");
    if (given !== checksumOf(image.json, image.layer ?? utf8(""))) return error(400, "mismatch");
    image.checksum = given;
    return json(true);
  }
}

function checksumOf(document: Bytes, layer: Bytes): string {
  const all = new Uint8Array(document.byteLength + 1 + layer.byteLength);
  all.set(document);
  all[document.byteLength] = 10;
  all.set(layer, document.byteLength + 1);
  return digestBytes("sha256", all);
}

function ranged(request: Request, layer: Bytes): Response {
  const length = { "content-length": String(layer.byteLength) };
  if (request.method === "HEAD") return new Response(null, { headers: length });
  const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.get("range") ?? "");
  if (range === null) return new Response(layer, { headers: length });
  const [start, end] = [Number(range[1]), Number(range[2])];
  const headers = { "content-range": `bytes ${start}-${end}/${layer.byteLength}` };
  return new Response(layer.slice(start, end + 1), { status: 206, headers });
}
