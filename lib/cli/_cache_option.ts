import type { LayerIndexes } from "../image/layer_indexes.ts";
import { hostLayerIndexes } from "../runtime/host_layer_indexes.ts";
import { type CommandContext, flag, type OptionSpecs } from "./_command.ts";

/** The option of commands that keep what they learn of layers. */
export const CACHE_OPTION: OptionSpecs = {
  "no-cache": { type: "boolean", help: "neither use nor keep indexes of layers" },
};

/** What there is to know about it. */
export const CACHE_DETAILS: string =
  "An index is kept of each layer that is read whole, in LADING_CACHE or the user's cache directory,\n" +
  "256 MiB of them; from then on its file tree takes no download, and a file of a gzip layer only\n" +
  "that of what lies around it.";

/** Tells where indexes of layers are kept; nowhere with `--no-cache`. */
export function layerIndexesOption(context: CommandContext): LayerIndexes | undefined {
  return flag(context, "no-cache") ? undefined : hostLayerIndexes();
}
