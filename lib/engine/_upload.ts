import { noteOwnedChunks, ownsChunks } from "../bytes/lineage.ts";
import { through } from "../bytes/through.ts";
import type { EngineBody } from "./engine_body.ts";

/** What a request sends, and why its source failed, if it did. */
export interface Upload {
  readonly body: EngineBody["content"] | undefined;
  failure?: { readonly error: unknown };
}

/** Notes why the source of a body fails: runtimes tell it in words of their own. */
export function uploadOf(content: EngineBody["content"] | undefined): Upload {
  if (!(content instanceof ReadableStream)) return { body: content };
  const body = through(content, {
    chunk(chunk) {
      // Some streams know it only when their first chunk is there.
      if (ownsChunks(content)) noteOwnedChunks(body);
      return chunk;
    },
    error(error) {
      upload.failure = { error };
    },
  });
  const upload: Upload = { body };
  return upload;
}
