import { extractToDisk } from "../runtime/node_extract.ts";
import { argument, type Command, flag } from "./_command.ts";
import { imageWithFiles } from "./_image_argument.ts";
import { JSON_OPTION, MIRROR_OPTION, PLATFORM_OPTION, REGISTRY_OPTION } from "./_options.ts";
import { THREADS_OPTION, withThreads } from "./_threads.ts";
import { formatSize } from "./size.ts";

/** `lading extract IMAGE DIRECTORY`. */
export const extractCommand: Command = {
  name: "extract",
  synopsis: "IMAGE DIRECTORY",
  summary: "unpack the merged file tree of an image, safely, into a directory",
  arity: [2, 2],
  options: {
    owners: { type: "boolean", help: "give files the owners that the image says, as root can" },
    replace: {
      type: "boolean",
      help: "replace files that are there; without it the directory is empty",
    },
    ...THREADS_OPTION,
    ...PLATFORM_OPTION,
    ...JSON_OPTION,
    ...MIRROR_OPTION,
    ...REGISTRY_OPTION,
  },
  details:
    "Nothing is written outside of DIRECTORY, whatever names and links the image has. Devices and\n" +
    "extended attributes are left out; stderr says how many.",
  examples: ["lading extract alpine:3.20 ./rootfs", "lading extract oci:./app:1 ./rootfs --owners"],
  async run(context) {
    const { output, signal } = context;
    const directory = argument(context, 1);
    const image = await imageWithFiles(context);
    const result = await withThreads(context, (threads) =>
      extractToDisk(image, directory, {
        owners: flag(context, "owners"),
        existing: flag(context, "replace") ? "replace" : "refuse",
        threads,
        signal,
      }));
    const { files, directories, links, bytes, leftOut, withXattrs } = result;
    if (leftOut.length > 0) output.warn(`${leftOut.length} devices and pipes were left out`);
    if (withXattrs > 0) output.warn(`the extended attributes of ${withXattrs} paths were left out`);
    if (flag(context, "json")) return await output.json(result);
    output.note(
      `${files} files, ${directories} directories, ${links} links: ${formatSize(bytes)}`,
    );
  },
};
