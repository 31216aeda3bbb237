import { exportRootfs } from "../image/export_rootfs.ts";
import { CACHE_OPTION, layerIndexesOption } from "./_cache_option.ts";
import type { Command } from "./_command.ts";
import { imageWithFiles } from "./_image_argument.ts";
import { bytesOutput, OUTPUT_OPTION } from "./_output_option.ts";
import { MIRROR_OPTION, PLATFORM_OPTION, REGISTRY_OPTION } from "./_options.ts";
import { THREADS_OPTION, withThreads } from "./_threads.ts";

/** `lading export IMAGE`. */
export const exportCommand: Command = {
  name: "export",
  synopsis: "IMAGE",
  summary: "write the merged file tree of an image as a tar archive",
  arity: [1, 1],
  options: {
    ...OUTPUT_OPTION,
    ...THREADS_OPTION,
    ...CACHE_OPTION,
    ...PLATFORM_OPTION,
    ...MIRROR_OPTION,
    ...REGISTRY_OPTION,
  },
  examples: ["lading export alpine:3.20 -o alpine.tar", "lading export oci:./alpine | tar -tv"],
  async run(context) {
    const write = bytesOutput(context);
    const image = await imageWithFiles(context);
    const { signal } = context;
    const layerIndexes = layerIndexesOption(context);
    await withThreads(
      context,
      (threads) => write(exportRootfs(image, { layerIndexes, signal, threads })),
    );
  },
};
