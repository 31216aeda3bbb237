import { append } from "../image/append.ts";
import { emptyImage } from "../image/empty_image.ts";
import type { Image } from "../image/image.ts";
import { mutate } from "../image/mutate.ts";
import type { NewLayer } from "../image/new_layer.ts";
import { isConfigType } from "../model/media_types.ts";
import { parsePlace } from "../model/place.ts";
import { formatReference, parseReference, withDefaultTag } from "../model/reference.ts";
import { hostPlatform } from "../runtime/host_platform.ts";
import { addendsOf, LAYER_OPTIONS, layerOf, layerOptions } from "./_addends.ts";
import { argument, type Command, type CommandContext, flag, UsageError } from "./_command.ts";
import { EDIT_OPTIONS, editOf } from "./_edit_options.ts";
import { imageNamed } from "./_open.ts";
import { PLATFORM_OPTION, platformOption } from "./_options.ts";
import { PUSH_OPTIONS, pushEdited, targetOption } from "./_push_edited.ts";

/** What stands for an image without layers, as in a Dockerfile. */
const SCRATCH = "scratch";

/** Opens the image that something is made of. */
async function baseImage(context: CommandContext, name: string): Promise<Image> {
  if (name === SCRATCH) return emptyImage(platformOption(context) ?? hostPlatform());
  return await imageNamed(context, name);
}

/** Tells whether a layer has to have the form that the base's operating system wants. */
async function systemOf(context: CommandContext, image: Image): Promise<string | undefined> {
  const { signal } = context;
  const { config } = await image.manifest({ signal });
  if (flag(context, "as-layer") || !isConfigType(config.mediaType)) return undefined;
  return (await image.platform({ signal })).os;
}

/** The name of the base that the annotations get, where they are to have one. */
function baseName(context: CommandContext, base: string): string | undefined {
  if (!flag(context, "base-annotations")) return undefined;
  const place = base === SCRATCH ? undefined : parsePlace(base);
  if (place?.transport !== "docker") {
    throw new UsageError("--base-annotations names a base in a registry, and this one is in none");
  }
  return formatReference(withDefaultTag(parseReference(place.reference)));
}

/** `lading append BASE SOURCE[:PATH]…`. */
export const appendCommand: Command = {
  name: "append",
  synopsis: "BASE SOURCE[:PATH]...",
  summary: "put files on an image as new layers, without an engine",
  arity: [2, 100],
  options: {
    ...LAYER_OPTIONS,
    "base-annotations": {
      type: "boolean",
      help: "say in annotations what the base is, for lading check-base and rebase",
    },
    ...EDIT_OPTIONS,
    ...PLATFORM_OPTION,
    ...PUSH_OPTIONS,
  },
  details:
    "Each SOURCE becomes a layer: a directory, a file, or a tar archive, which is unpacked; - is an\n" +
    "archive on stdin. PATH is where it goes in the image: the content of a directory below it, a file\n" +
    "at it. BASE may be scratch. Layers on a Windows image get the form that Windows wants: PATH\n" +
    "counts from C:\\, and any user of the container may use the files. The answer is the\n" +
    "digest-pinned reference.",
  examples: [
    "lading append node:22-slim ./dist:/app --cmd 'node /app/main.js' --to registry.acme.dev/app:2",
    "lading append scratch ./server:/server --entrypoint /server --to oci:./image:1",
    "git archive HEAD | lading append node:22-slim -:/app --to registry.acme.dev/app:2",
  ],
  async run(context) {
    const base = argument(context, 0);
    // Wrong options are told before anything is read.
    const edit = editOf(context);
    targetOption(context);
    layerOptions(context);
    const addends = addendsOf(context);
    const name = baseName(context, base);
    const image = await baseImage(context, base);
    const os = await systemOf(context, image);
    const layers: NewLayer[] = [];
    try {
      for (const addend of addends) layers.push(await layerOf(context, addend, os));
      // The format comes first: it decides which layers the image may have.
      const formatted = mutate(image, { mediaTypes: edit?.mediaTypes });
      const appended = append(formatted, ...layers);
      const named = name === undefined
        ? undefined
        : { name, digest: await image.digest({ signal: context.signal }) };
      const edited = edit === undefined && named === undefined
        ? appended
        : mutate(appended, { ...edit, base: named });
      await pushEdited(context, edited);
    } finally {
      for (const layer of layers) await layer.close();
    }
  },
};
