// A registry that takes manifests of schema 1, as distribution 2 does: signed ones only.
import { verifySchema1 } from "../../lib/dockerreg/mod.ts";
import { digestBytes } from "../../lib/hash/mod.ts";
import type { Bytes } from "../../lib/model/bytes.ts";
import type { Descriptor } from "../../lib/model/descriptor.ts";
import { isLadingError, parseSchema1 } from "../../lib/model/mod.ts";
import type { Transport } from "../../lib/model/transport.ts";
import { Registry } from "../../lib/registry/mod.ts";
import { type MemoryRegistry, memoryRegistry } from "../../lib/testing/mod.ts";

const SIGNED = "application/vnd.docker.distribution.manifest.v1+prettyjws";

/** A manifest of schema 1 as it is stored. */
interface Stored {
  readonly raw: Bytes;
  readonly digest: string;
}

/** A registry with manifests of schema 1, and everything else besides. */
export class Schema1Registry {
  readonly memory: MemoryRegistry;
  readonly requests: string[] = [];
  readonly #tags = new Map<string, Stored>();
  readonly #manifests = new Map<string, Stored>();

  constructor(host = "registry.test") {
    this.memory = memoryRegistry({ host });
  }

  get host(): string {
    return this.memory.host;
  }

  get transport(): Transport {
    return async (request) => {
      const url = new URL(request.url);
      this.requests.push(`${request.method} ${url.pathname}`);
      const found = /^\/v2\/(.+)\/manifests\/(.+)$/.exec(url.pathname);
      const own = found === null
        ? undefined
        : await this.#manifest(request, found[1] ?? "", found[2] ?? "");
      const list = /^\/v2\/(.+)\/tags\/list$/.exec(url.pathname);
      if (list !== null) return this.#list(list[1] ?? "");
      return own ?? await this.memory.transport(request);
    };
  }

  /** Puts a blob into a repository. */
  async blob(repository: string, bytes: Bytes): Promise<Descriptor> {
    const digest = digestBytes("sha256", bytes);
    const blob = { mediaType: "application/octet-stream", digest, size: bytes.byteLength };
    const { host, memory: { transport } } = this;
    await new Registry(host, { transport }).repository(repository).push(blob, bytes);
    return blob;
  }

  /** Puts a manifest there. */
  put(repository: string, tag: string, raw: Bytes): void {
    const { payload } = parseSchema1(raw);
    const stored = { raw, digest: digestBytes("sha256", payload) };
    this.#tags.set(`${repository}:${tag}`, stored);
    this.#manifests.set(stored.digest, stored);
  }

  /** The bytes of a tag. */
  get(repository: string, tag: string): Bytes {
    const stored = this.#tags.get(`${repository}:${tag}`);
    if (stored === undefined) throw new Error(`there is no ${repository}:${tag}`);
    return stored.raw;
  }

  #list(name: string): Response {
    const tags = [...this.#tags.keys()].filter((key) => key.startsWith(`${name}:`))
      .map((key) => key.slice(name.length + 1));
    return Response.json({ name, tags });
  }

  async #manifest(
    request: Request,
    repository: string,
    reference: string,
  ): Promise<Response | undefined> {
    if (request.method === "PUT") return await this.#put(request, repository, reference);
    const stored = this.#tags.get(`${repository}:${reference}`) ?? this.#manifests.get(reference);
    if (stored === undefined) return undefined;
    if (request.method === "DELETE") {
      if (!reference.includes(":")) return this.#untag(`${repository}:${reference}`);
      this.#manifests.delete(stored.digest);
      for (const [key, { digest }] of [...this.#tags]) {
        if (digest === stored.digest) this.#tags.delete(key);
      }
      return new Response(null, { status: 202 });
    }
    const headers = {
      "content-type": SIGNED,
      "content-length": String(stored.raw.byteLength),
      "docker-content-digest": stored.digest,
    };
    return new Response(request.method === "HEAD" ? null : stored.raw, { headers });
  }

  #untag(key: string): Response {
    this.#tags.delete(key);
    return new Response(null, { status: 202 });
  }

  async #put(
    request: Request,
    repository: string,
    reference: string,
  ): Promise<Response | undefined> {
    if (request.headers.get("content-type") !== SIGNED) return undefined;
    const raw = new Uint8Array(await request.arrayBuffer());
    const refuse = (code: string) => Response.json({ errors: [{ code }] }, { status: 400 });
    try {
      const parsed = parseSchema1(raw);
      if ((await verifySchema1(parsed)).length === 0) return refuse("MANIFEST_UNVERIFIED");
      const digest = digestBytes("sha256", parsed.payload);
      if (reference.includes(":") && reference !== digest) return refuse("DIGEST_INVALID");
      const stored = { raw, digest };
      this.#manifests.set(digest, stored);
      if (!reference.includes(":")) this.#tags.set(`${repository}:${reference}`, stored);
      return new Response(null, { status: 201, headers: { "docker-content-digest": digest } });
    } catch (error) {
      if (isLadingError(error)) return refuse("MANIFEST_UNVERIFIED");
      throw error;
    }
  }
}
