// Answers workerd's R2 binding out of a folder; what the binding sends, see r2_service.ts.
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { once } from "node:events";
import { join } from "node:path";

interface Call {
  readonly method: string;
  readonly object?: string;
  readonly objects?: readonly string[];
  readonly prefix?: string;
  readonly customFields?: readonly unknown[];
}

interface Stored {
  readonly path: string;
  readonly size: number;
  /** The digest of what came, for tests. */
  readonly sha256: string;
  readonly customFields: readonly unknown[];
}

/** A bucket whose objects are files. */
export class FolderBucket {
  /** What is in it, by its key. */
  readonly objects: Map<string, Stored> = new Map();
  readonly #folder: string;
  #count = 0;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Answers a call of the binding. */
  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const call = request.headers["cf-r2-request"];
    if (typeof call === "string") return this.#read(JSON.parse(call), response);
    await this.#write(request, response);
  }

  #read({ method, object = "", prefix = "" }: Call, response: ServerResponse): void {
    if (method === "list") {
      const keys = [...this.objects.keys()].filter((key) => key.startsWith(prefix)).sort();
      const objects = keys.map((key) => this.#headOf(key));
      return void respond(response, { objects, truncated: false, delimitedPrefixes: [] }).end();
    }
    const stored = this.objects.get(object);
    if (stored === undefined) {
      const error = JSON.stringify({ version: 0, v4code: 10007, message: "no such object" });
      return void response.writeHead(404, { "cf-r2-error": error }).end();
    }
    respond(response, this.#headOf(object));
    if (method === "get") createReadStream(stored.path).pipe(response);
    else response.end();
  }

  async #write(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const metadataBytes = Number(request.headers["cf-r2-metadata-size"]);
    const path = join(this.#folder, String(this.#count++));
    const file = createWriteStream(path);
    const hash = createHash("sha256");
    let head = Buffer.alloc(0);
    let size = 0;
    for await (const chunk of request as AsyncIterable<Buffer>) {
      const missing = metadataBytes - head.length;
      head = Buffer.concat([head, chunk.subarray(0, missing)]);
      const content = chunk.subarray(missing);
      size += content.length;
      hash.update(content);
      if (!file.write(content)) await once(file, "drain");
    }
    file.end();
    await once(file, "finish");
    const { method, object = "", objects = [object], customFields = [] } = JSON.parse(
      head.toString(),
    ) as Call;
    if (method === "delete") {
      for (const key of objects) this.objects.delete(key);
      return void response.end("{}");
    }
    this.objects.set(object, { path, size, sha256: hash.digest("hex"), customFields });
    response.end(JSON.stringify(this.#headOf(object)));
  }

  #headOf(key: string): Record<string, unknown> {
    const { size, sha256, customFields } = this.objects.get(key) ?? {};
    return {
      name: key,
      version: "1",
      size: String(size),
      etag: sha256,
      uploaded: "1700000000000",
      storageClass: "Standard",
      customFields,
    };
  }
}

/** Metadata goes before the content, and its length into a header field. */
function respond(response: ServerResponse, metadata: unknown): ServerResponse {
  const head = Buffer.from(JSON.stringify(metadata));
  response.writeHead(200, { "cf-r2-metadata-size": head.length }).write(head);
  return response;
}
