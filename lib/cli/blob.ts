import { findBlob, openBlob } from "../runtime/open_blob.ts";
import { refuseFor } from "./_archive_output.ts";
import { argument, type Command, flag } from "./_command.ts";
import { blobDeleteCommand } from "./blob_delete.ts";
import { blobPushCommand } from "./blob_push.ts";
import { openOptions, REGISTRY_OPTION } from "./_options.ts";
import { bytesOutput, OUTPUT_OPTION } from "./_output_option.ts";

/** `lading blob PLACE@DIGEST`. */
export const blobCommand: Command = {
  name: "blob",
  synopsis: "PLACE@DIGEST",
  summary: "print a blob, verified, as it is stored",
  arity: [1, 1],
  options: {
    json: { type: "boolean", help: "print its descriptor in JSON, and read nothing of it" },
    ...OUTPUT_OPTION,
    ...REGISTRY_OPTION,
  },
  commands: [blobPushCommand, blobDeleteCommand],
  isVerb: true,
  details:
    "When the bytes turn out to be wrong, the exit code is 5: do not use what came to stdout then.\n" +
    "A file is written only when they are good.",
  examples: [
    "lading blob ghcr.io/acme/app@sha256:4f4f… -o layer.tar.gz",
    "lading blob oci:./alpine@sha256:4f4f… | tar -tz",
  ],
  async run(context) {
    if (flag(context, "json")) {
      refuseFor("--json", context, ["output"]);
      const { descriptor, close } = await findBlob(argument(context, 0), openOptions(context));
      await close();
      return await context.output.json(descriptor);
    }
    const write = bytesOutput(context);
    const blob = await openBlob(argument(context, 0), openOptions(context));
    try {
      await write(blob.content);
    } finally {
      await blob.close();
    }
  },
};
