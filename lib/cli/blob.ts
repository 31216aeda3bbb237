import { findBlob, openBlob } from "../runtime/open_blob.ts";
import { argument, type Command, flag } from "./_command.ts";
import { blobDeleteCommand } from "./blob_delete.ts";
import { blobPushCommand } from "./blob_push.ts";
import { openOptions, REGISTRY_OPTION } from "./_options.ts";

/** `lading blob PLACE@DIGEST`. */
export const blobCommand: Command = {
  name: "blob",
  synopsis: "PLACE@DIGEST",
  summary: "print a blob, verified, as it is stored",
  arity: [1, 1],
  options: {
    json: { type: "boolean", help: "print its descriptor in JSON, and read nothing of it" },
    ...REGISTRY_OPTION,
  },
  commands: [blobPushCommand, blobDeleteCommand],
  isVerb: true,
  details: "When the bytes turn out to be wrong, the exit code is 5: do not use them then.",
  examples: [
    "lading blob ghcr.io/acme/app@sha256:4f4f… > layer.tar.gz",
    "lading blob oci:./alpine@sha256:4f4f… | tar -tz",
  ],
  async run(context) {
    if (flag(context, "json")) {
      const { descriptor, close } = await findBlob(argument(context, 0), openOptions(context));
      await close();
      return await context.output.json(descriptor);
    }
    const blob = await openBlob(argument(context, 0), openOptions(context));
    try {
      await context.output.bytes(blob.content);
    } finally {
      await blob.close();
    }
  },
};
