import { findBlob } from "../runtime/open_blob.ts";
import { argument, type Command } from "./_command.ts";
import { namedArgument } from "./_named.ts";
import { openOptions, REGISTRY_OPTION } from "./_options.ts";

/** `lading blob delete PLACE@DIGEST`. */
export const blobDeleteCommand: Command = {
  name: "delete",
  group: "blob",
  synopsis: "PLACE@DIGEST",
  summary: "delete a blob from a registry or a layout",
  arity: [1, 1],
  options: { ...REGISTRY_OPTION },
  details:
    "Nobody asks whether an image needs it: that image is broken then. Many registries refuse it, and\n" +
    "clean blobs away themselves when no manifest names them; lading delete deletes manifests.",
  examples: ["lading blob delete 127.0.0.1:5000/acme/app@sha256:4f4f…"],
  async run(context) {
    const { signal, output } = context;
    const { content } = namedArgument(context);
    const { descriptor, close } = await findBlob(argument(context, 0), openOptions(context));
    try {
      await content.delete(descriptor, { signal });
      output.note(`deleted ${descriptor.digest}`);
    } finally {
      await close();
    }
  },
};
