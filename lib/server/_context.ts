import type { Descriptor } from "../model/descriptor.ts";
import type { ContentGuard } from "./_content_guard.ts";
import type { Mutex } from "./_mutex.ts";
import type { RepositoryNames } from "./_repository_names.ts";
import type { Shelves } from "./_shelves.ts";
import type { UploadSessions } from "./_upload_sessions.ts";
import type { RegistryTarget } from "./target.ts";

/** What the answers of one handler share. */
export interface Context {
  readonly target: RegistryTarget;
  readonly names: RepositoryNames;
  readonly shelves: Shelves;
  readonly sessions: UploadSessions;
  readonly guard: ContentGuard;
  /** Orders what changes names, or takes content away. */
  readonly changes: Mutex;
  readonly maxManifestBytes: number;
  readonly allowSparse: boolean;
  readonly allowAnonymousMount: boolean;
  readonly allowDelete: boolean;
  readonly minChunkBytes: number;
}

/** One request, taken apart. */
export interface Call {
  readonly request: Request;
  readonly url: URL;
  readonly method: string;
}

/** Gives the descriptor of a blob: a registry does not know more than digest and size. */
export function blobDescriptor(digest: string, size: number): Descriptor {
  return { mediaType: "application/octet-stream", digest, size };
}
