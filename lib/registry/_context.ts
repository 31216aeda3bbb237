import type { Bytes } from "../model/bytes.ts";
import type { DigestAlgorithm } from "../model/digest.ts";
import type { Client } from "./request.ts";

/** Computes the digest of a manifest; who carries no hashers of their own takes WebCrypto's. */
export type ManifestHash = (algorithm: DigestAlgorithm, bytes: Bytes) => Promise<string>;

/** One repository of one registry, as the parts of the client see it. */
export interface RepositoryContext {
  readonly client: Client;
  readonly hash: ManifestHash;
  /** The name in URLs: `library/alpine`. */
  readonly name: string;
  /** The name in messages: `docker.io/library/alpine`. */
  readonly fullName: string;
}

/** The scope for reading a repository. */
export function pullScopes({ name }: RepositoryContext): string[] {
  return [`repository:${name}:pull`];
}

/** The scope for writing to a repository; distribution asks for both. */
export function pushScopes({ name }: RepositoryContext): string[] {
  return [`repository:${name}:pull,push`];
}

/** A manifest as messages name it: `"docker.io/library/alpine:9"`. */
export function quotedName({ fullName }: RepositoryContext, tagOrDigest: string): string {
  return JSON.stringify(`${fullName}${tagOrDigest.includes(":") ? "@" : ":"}${tagOrDigest}`);
}

/** A blob as messages name it. */
export function quotedBlob({ fullName }: RepositoryContext, digest: string): string {
  return `blob ${digest} of ${JSON.stringify(fullName)}`;
}
