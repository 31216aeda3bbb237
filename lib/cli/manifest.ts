import { fetchManifest } from "../image/fetch_manifest.ts";
import type { Bytes } from "../model/bytes.ts";
import { openSource } from "../runtime/open.ts";
import { argument, type Command, type CommandContext } from "./_command.ts";
import { imageArgument } from "./_image_argument.ts";
import { manifestPushCommand } from "./manifest_push.ts";
import { openOptions, platformsOption, REGISTRY_OPTION } from "./_options.ts";

/** Reads the manifest or the index that the name points at. */
async function whole(context: CommandContext): Promise<Bytes> {
  const { signal } = context;
  const { content, reference, close } = openSource(argument(context, 0), openOptions(context));
  try {
    const descriptor = await content.resolve(reference, { signal });
    return (await fetchManifest(content, descriptor, { signal })).raw;
  } finally {
    await close();
  }
}

/** `lading manifest IMAGE`. */
export const manifestCommand: Command = {
  name: "manifest",
  synopsis: "IMAGE",
  summary: "print the manifest of an image, byte for byte",
  arity: [1, 1],
  options: {
    platform: {
      type: "string",
      value: "OS/ARCH[/VARIANT]|all",
      help: "of an index, take this platform's (default: the machine's, on Linux); all: the index",
    },
    ...REGISTRY_OPTION,
  },
  commands: [manifestPushCommand],
  isVerb: true,
  examples: [
    "lading manifest alpine:3.20 --platform linux/arm64 | jq .layers",
    "lading manifest alpine:3.20 --platform all | jq .manifests",
  ],
  async run(context) {
    const isWhole = platformsOption(context) === "all";
    const raw = isWhole ? await whole(context) : await (await imageArgument(context)).rawManifest();
    await context.output.bytes(raw);
  },
};
