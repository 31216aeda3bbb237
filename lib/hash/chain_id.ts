import { digestBytes } from "./digest_bytes.ts";

/**
 * Computes the chain IDs of a stack of layers (OCI image-spec, config.md §layer ChainID): the
 * first is the diffID of the first layer, each other one stands for all layers up to its own.
 *
 * @param diffIDs The digests of the uncompressed layers, base first.
 * @returns One chain ID for each layer.
 */
export function chainIDs(diffIDs: readonly string[]): string[] {
  const encoder = new TextEncoder();
  let chain: string | undefined;
  return diffIDs.map((diffID) => {
    chain = chain === undefined
      ? diffID
      : digestBytes("sha256", encoder.encode(`${chain} ${diffID}`));
    return chain;
  });
}
