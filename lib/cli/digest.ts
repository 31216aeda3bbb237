import { openSource } from "../runtime/open.ts";
import { pinnedReference } from "../runtime/pinned_reference.ts";
import { argument, type Command, type CommandContext, flag } from "./_command.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { imageArgument } from "./_image_argument.ts";
import {
  JSON_OPTION,
  MIRROR_OPTION,
  openOptions,
  PLATFORM_OPTION,
  platformOption,
  REGISTRY_OPTION,
} from "./_options.ts";

async function resolve(context: CommandContext): Promise<Descriptor> {
  const { signal } = context;
  if (platformOption(context) !== undefined) {
    return await (await imageArgument(context)).descriptor({ signal });
  }
  const source = openSource(argument(context, 0), openOptions(context));
  try {
    return await source.content.resolve(source.reference, { signal });
  } finally {
    await source.close();
  }
}

/** `lading digest IMAGE`. */
export const digestCommand: Command = {
  name: "digest",
  synopsis: "IMAGE",
  summary: "print the digest of a manifest or index",
  arity: [1, 1],
  options: {
    "full-ref": { type: "boolean", help: "print the digest-pinned reference" },
    ...PLATFORM_OPTION,
    ...JSON_OPTION,
    ...MIRROR_OPTION,
    ...REGISTRY_OPTION,
  },
  details: "Without --platform it is the digest of what the reference names, an index for most.",
  examples: [
    "lading digest alpine:3.20",
    "lading digest alpine:3.20 --platform linux/arm64 --full-ref",
  ],
  async run(context) {
    const { mediaType, digest, size } = await resolve(context);
    if (flag(context, "json")) return await context.output.json({ mediaType, digest, size });
    const image = argument(context, 0);
    await context.output.line(flag(context, "full-ref") ? pinnedReference(image, digest) : digest);
  },
};
