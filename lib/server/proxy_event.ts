import type { Descriptor } from "../model/descriptor.ts";

/** Something that a proxy tells about itself. */
export type ProxyEvent =
  /** The upstream cannot be asked what a tag stands for; what it stood for was the answer. */
  | {
    readonly type: "stale";
    readonly repository: string;
    readonly tag: string;
    readonly descriptor: Descriptor;
  }
  /** The cache holds a blob that it did not hold before. */
  | { readonly type: "stored"; readonly repository: string; readonly descriptor: Descriptor };
