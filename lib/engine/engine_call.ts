import type { ByteStream } from "../model/bytes.ts";
import type { CallOptions } from "../model/content.ts";
import type { MakeError } from "./_failure.ts";
import type { EngineQuery } from "./query.ts";
import type { Upload } from "./_upload.ts";
import type { EngineBody } from "./engine_body.ts";

/** One request to an engine. */
export interface EngineCall extends CallOptions {
  /** What is attempted, for messages: `remove image "app:1"`. */
  readonly action: string;
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "DELETE";
  /** The path below the version; safe in a URL. */
  readonly path: string;
  readonly query?: EngineQuery | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: EngineBody | undefined;
  /** Leaves the version out of the path. */
  readonly isUnversioned?: boolean | undefined;
  /** Whether 404 means that an image is not there. */
  readonly isAboutImage?: boolean | undefined;
  /** Makes the error when the engine refuses; default one by the status. */
  readonly makeError?: MakeError | undefined;
  /** How long the answer may be silent; default that of the engine. */
  readonly idleTimeoutMs?: number | undefined;
}

/** What has to be known of a request to read its answer. */
export type Reading = Pick<EngineCall, "action" | "makeError" | "signal">;

/** What an engine answered. */
export interface EngineAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** The method and the path of the request, for errors. */
  readonly endpoint: string;
  /** The body; it has to be read to its end or cancelled. */
  readonly body: ByteStream;
  /** What is sent meanwhile. */
  readonly upload: Upload;
}

/** Something that engines can do from some version of the API on. */
export interface EngineFeature {
  /** The version. */
  readonly since: string;
  /** What it is, for messages: `pushing one platform`. */
  readonly name: string;
}
