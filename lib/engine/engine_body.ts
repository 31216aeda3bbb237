import type { Bytes, ByteStream } from "../model/bytes.ts";

/** What a request sends along. */
export interface EngineBody {
  /** Its media type; never that of forms, which engines swallow. */
  readonly type: string;
  /** The content. */
  readonly content: Bytes | ByteStream | Blob | string;
}
