import { appendToIndex } from "../image/append_to_index.ts";
import { filterIndex, type PlatformFilter } from "../image/filter_index.ts";
import type { Image } from "../image/image.ts";
import { indexFrom } from "../image/index_from.ts";
import type { IndexView } from "../image/index_view.ts";
import { removeFromIndex } from "../image/remove_from_index.ts";
import {
  ANNOTATION_DOCKER_REFERENCE_DIGEST,
  ANNOTATION_DOCKER_REFERENCE_TYPE,
} from "../model/annotations.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { formatPlatform } from "../model/platform.ts";
import { argument, type Command, type CommandContext, flag, list, UsageError } from "./_command.ts";
import { indexNamed, viewNamed } from "./_open.ts";
import { formatOption, pairsOption } from "./_options.ts";
import { escapeControls } from "./_plain_text.ts";
import { PUSH_OPTIONS, pushEdited, targetOption } from "./_push_edited.ts";
import { formatSize } from "./size.ts";
import { shortDigest } from "./_transfer_display.ts";

type Action = (context: CommandContext, names: readonly string[]) => Promise<void>;

const ACTIONS: ReadonlyMap<string, Action> = new Map([
  ["create", create],
  ["append", append],
  ["filter", filter],
  ["remove", remove],
  ["list", listEntries],
]);

async function openAll(
  context: CommandContext,
  names: readonly string[],
): Promise<(Image | IndexView)[]> {
  const opened: (Image | IndexView)[] = [];
  for (const name of names) opened.push(await viewNamed(context, name));
  return opened;
}

async function create(context: CommandContext, names: readonly string[]): Promise<void> {
  targetOption(context);
  const annotations = pairsOption(context, "annotation");
  const format = formatOption(context);
  const members = await openAll(context, names);
  await pushEdited(context, indexFrom(members, { annotations, format }));
}

async function append(context: CommandContext, names: readonly string[]): Promise<void> {
  targetOption(context);
  const [base = "", ...others] = names;
  if (others.length === 0) throw new UsageError("name the images to append");
  const index = await indexNamed(context, base);
  await pushEdited(context, appendToIndex(index, ...await openAll(context, others)));
}

async function filter(context: CommandContext, names: readonly string[]): Promise<void> {
  targetOption(context);
  const platforms = list(context, "platform").map(filterOf);
  if (platforms.length === 0) throw new UsageError("name what to keep: --platform linux/amd64");
  const index = await indexNamed(context, only(names));
  await pushEdited(context, filterIndex(index, platforms));
}

async function remove(context: CommandContext, names: readonly string[]): Promise<void> {
  targetOption(context);
  const [base = "", ...digests] = names;
  if (digests.length === 0) throw new UsageError("name the digests to remove");
  const index = await indexNamed(context, base);
  await pushEdited(context, removeFromIndex(index, ...digests));
}

async function listEntries(context: CommandContext, names: readonly string[]): Promise<void> {
  const { output, signal } = context;
  const index = await indexNamed(context, only(names));
  const { manifests } = await index.manifest({ signal });
  if (flag(context, "json")) return await output.json(manifests);
  for (const child of manifests) {
    const size = formatSize(child.size).padStart(7);
    await output.line(`${child.digest}  ${size}  ${escapeControls(kindOf(child))}`);
  }
}

/** Says for which platform a manifest of an index is, or what else it is there for. */
function kindOf({ platform, mediaType, artifactType, annotations = {} }: Descriptor): string {
  const type = annotations[ANNOTATION_DOCKER_REFERENCE_TYPE];
  const subject = annotations[ANNOTATION_DOCKER_REFERENCE_DIGEST];
  if (type !== undefined && subject !== undefined) return `${type} of ${shortDigest(subject)}`;
  return platform === undefined ? artifactType ?? mediaType : formatPlatform(platform);
}

function only(names: readonly string[]): string {
  const [name = "", ...others] = names;
  if (others.length > 0) throw new UsageError("name one index");
  return name;
}

/** Reads `linux`, `linux/arm64` or `linux/arm/v7`: what is not said may be anything. */
function filterOf(text: string): PlatformFilter {
  const [os, architecture, variant, ...more] = text.split("/");
  if (more.length > 0 || !/^[\w./-]+$/.test(text)) {
    throw new UsageError(`--platform takes OS[/ARCH[/VARIANT]], not ${JSON.stringify(text)}`);
  }
  return { os, architecture, variant };
}

/** `lading index ACTION INDEX…`. */
export const indexCommand: Command = {
  name: "index",
  synopsis: "create|append|filter|remove|list IMAGE...",
  summary: "make and change multi-platform images",
  arity: [2, 1000],
  words: () => [...ACTIONS.keys()],
  options: {
    platform: {
      type: "string",
      isList: true,
      value: "OS[/ARCH[/VARIANT]]",
      help: "filter: keep these; may be given several times",
    },
    annotation: {
      type: "string",
      isList: true,
      value: "KEY=VALUE",
      help: "create: set an annotation; may be given several times",
    },
    format: { type: "string", value: "oci|docker", help: "create: whose media type it has" },
    ...PUSH_OPTIONS,
  },
  details: "create IMAGE...         make an index of images\n" +
    "append INDEX IMAGE...   put images behind those of an index\n" +
    "filter INDEX            keep the images for some platforms, with their attestations\n" +
    "remove INDEX DIGEST...  take images out, with their attestations\n" +
    "list INDEX              list what is in it\n\n" +
    "An index among the images stands for the images in it. All but list need --to, and answer with\n" +
    "the digest-pinned reference.",
  examples: [
    "lading index create acme/app:1-amd64 acme/app:1-arm64 --to acme/app:1",
    "lading index filter alpine:3.20 --platform linux/amd64 --platform linux/arm64 --to oci:./alpine",
    "lading index list alpine:3.20",
  ],
  async run(context) {
    const name = argument(context, 0);
    const action = ACTIONS.get(name);
    if (action === undefined) {
      throw new UsageError(
        `lading index does ${[...ACTIONS.keys()].join(", ")}, not ${JSON.stringify(name)}`,
      );
    }
    const args = context.args.slice(1);
    await action({ ...context, args }, args);
  },
};
