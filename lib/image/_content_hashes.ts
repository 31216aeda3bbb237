import { iterate } from "../bytes/iterate.ts";
import { createHasher } from "../hash/create_hasher.ts";
import type { CallOptions } from "../model/content.ts";
import { encodeHex } from "../model/hex.ts";
import type { FileNode } from "./_file_tree.ts";
import type { FileMeta } from "./_layer_files.ts";
import type { Layer } from "./layer.ts";
import type { TreeParts } from "./rootfs.ts";

/** The digests of the contents that have to be compared. Each layer is read once for them. */
export class ContentHashes {
  readonly #wanted = new Map<string, { readonly layer: Layer; readonly ordinals: Set<number> }>();
  readonly #hashes = new Map<string, string>();

  /** Notes that the content of a file is needed. */
  want({ layers }: TreeParts, node: FileNode<FileMeta> | undefined): void {
    const layer = layers[node?.meta?.layer ?? -1];
    if (node?.meta === undefined || node.meta.size === 0 || layer === undefined) return;
    const { digest } = layer.descriptor();
    const { ordinals } = this.#wanted.get(digest) ?? { ordinals: new Set<number>() };
    this.#wanted.set(digest, { layer, ordinals: ordinals.add(node.meta.ordinal) });
  }

  /** Reads what was noted. */
  async read(options: CallOptions): Promise<void> {
    for (const [digest, { layer, ordinals }] of this.#wanted) {
      let ordinal = 0;
      for await (const { body } of layer.entries(options)) {
        const number = ordinal++;
        if (!ordinals.has(number)) continue;
        const hasher = createHasher("sha256");
        for await (const chunk of iterate(body)) hasher.update(chunk);
        this.#hashes.set(`${digest} ${number}`, encodeHex(hasher.digest()));
      }
    }
  }

  /** Gives the digest of a content; nothing for one without bytes. */
  of({ layers }: TreeParts, node: FileNode<FileMeta> | undefined): string | undefined {
    const digest = layers[node?.meta?.layer ?? -1]?.descriptor().digest;
    return this.#hashes.get(`${digest} ${node?.meta?.ordinal}`);
  }
}
