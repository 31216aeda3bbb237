import type { DigestAlgorithm } from "../model/digest.ts";
import { Refusal } from "./_refusal.ts";
import { UploadSession } from "./_upload_session.ts";
import type { SharedUploads } from "../model/shared_registry.ts";
import type { UploadStore } from "./upload_store.ts";
import { randomUUID } from "./_uuid.ts";

/** What bounds the uploads. */
export interface UploadLimits {
  readonly maxUploads: number;
  readonly uploadTimeoutMs: number;
}

/**
 * The uploads under way. Abandoned ones are looked for whenever an upload starts or goes on: there
 * is no timer that keeps a process alive or that a Worker would not have. Uploads that are shared
 * with other handlers are looked up for each request, and given up by who keeps them.
 */
export class UploadSessions {
  readonly #store: UploadStore;
  readonly #limits: UploadLimits;
  readonly #shared: SharedUploads | undefined;
  readonly #sessions = new Map<string, UploadSession>();

  constructor(store: UploadStore, limits: UploadLimits, shared?: SharedUploads) {
    this.#store = store;
    this.#limits = limits;
    this.#shared = shared;
  }

  /** Starts an upload. */
  async start(repository: string, algorithm: DigestAlgorithm): Promise<UploadSession> {
    if (this.#shared !== undefined) {
      const id = randomUUID();
      const upload = await this.#shared.begin(repository, id);
      return new UploadSession(repository, algorithm, this.#store, { id, upload });
    }
    await this.#expire();
    if (this.#sessions.size >= this.#limits.maxUploads) {
      throw new Refusal(429, "TOOMANYREQUESTS", "too many uploads are under way", {
        headers: { "retry-after": "60" },
      });
    }
    const session = new UploadSession(repository, algorithm, this.#store);
    this.#sessions.set(session.id, session);
    return session;
  }

  /** Finds an upload of a repository. */
  async find(repository: string, id: string): Promise<UploadSession> {
    if (this.#shared !== undefined) {
      const upload = await this.#shared.find(repository, id);
      if (upload === undefined) throw unknownUpload();
      // Without a running hash, the algorithm is that of the digest that ends the upload.
      return new UploadSession(repository, "sha256", this.#store, { id, upload });
    }
    await this.#expire();
    const session = this.#sessions.get(id);
    if (session?.repository !== repository) throw unknownUpload();
    session.lastUsed = Date.now();
    return session;
  }

  /** Ends an upload and frees what it holds. */
  async end(session: UploadSession): Promise<void> {
    this.#sessions.delete(session.id);
    await session.close();
  }

  async #expire(): Promise<void> {
    const oldest = Date.now() - this.#limits.uploadTimeoutMs;
    for (const session of [...this.#sessions.values()]) {
      if (!session.isBusy && session.lastUsed < oldest) await this.end(session);
    }
  }
}

function unknownUpload(): Refusal {
  return new Refusal(404, "BLOB_UPLOAD_UNKNOWN", "there is no such upload: start it again");
}
