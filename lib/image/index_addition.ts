import type { Platform } from "../model/platform.ts";
import type { Image } from "./image.ts";
import type { IndexView } from "./index_view.ts";

/** An image or an index to be put into an index, with what is said of it there. */
export interface IndexAddition {
  /** The image, or the index. */
  readonly manifest: Image | IndexView;
  /** What an image runs on; default what its index said, or its config says. */
  readonly platform?: Platform | undefined;
  /** Annotations of the entry. */
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  /** Whether an index goes in as one entry; by default its entries do, one by one. */
  readonly nested?: boolean | undefined;
}
