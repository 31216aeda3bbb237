import type { DigestAlgorithm } from "../model/digest.ts";
import { Refusal } from "./_refusal.ts";
import { UploadSession } from "./_upload_session.ts";
import type { UploadStore } from "./upload_store.ts";

/** What bounds the uploads. */
export interface UploadLimits {
  readonly maxUploads: number;
  readonly uploadTimeoutMs: number;
}

/**
 * The uploads under way. Abandoned ones are looked for whenever an upload starts or goes on: there
 * is no timer that keeps a process alive or that a Worker would not have.
 */
export class UploadSessions {
  readonly #store: UploadStore;
  readonly #limits: UploadLimits;
  readonly #sessions = new Map<string, UploadSession>();

  constructor(store: UploadStore, limits: UploadLimits) {
    this.#store = store;
    this.#limits = limits;
  }

  /** Starts an upload. */
  async start(repository: string, algorithm: DigestAlgorithm): Promise<UploadSession> {
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
    await this.#expire();
    const session = this.#sessions.get(id);
    if (session?.repository !== repository) {
      throw new Refusal(404, "BLOB_UPLOAD_UNKNOWN", "there is no such upload: start it again");
    }
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
