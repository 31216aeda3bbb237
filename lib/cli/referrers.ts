import { resolveImage } from "../image/resolve_image.ts";
import type { Referrers, ReferrersOptions, Source } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { type ReferrerNode, referrerTree } from "../ops/referrer_tree.ts";
import { openSource } from "../runtime/open.ts";
import { argument, type Command, flag, text, UsageError } from "./_command.ts";
import { JSON_OPTION, openOptions, platformOption, REGISTRY_OPTION } from "./_options.ts";
import { escapeControls } from "./_plain_text.ts";
import { formatSize } from "./size.ts";

function line({ digest, artifactType = "", size }: Descriptor): string {
  return `${digest}  ${formatSize(size).padStart(7)}  ${escapeControls(artifactType)}`.trimEnd();
}

/** Writes a tree: what speaks about a line stands behind it, further in. */
function* treeLines(nodes: readonly ReferrerNode[], depth = 0): Generator<string, void, undefined> {
  for (const { descriptor, referrers } of nodes) {
    yield `${"  ".repeat(depth)}${line(descriptor)}`;
    yield* treeLines(referrers, depth + 1);
  }
}

function treeJSON(nodes: readonly ReferrerNode[]): unknown {
  return nodes.map(({ descriptor, referrers }) => ({
    ...descriptor,
    referrers: treeJSON(referrers),
  }));
}

function hasReferrers(content: Source): content is Source & Referrers {
  return "referrers" in content;
}

/** Lists what refers to a manifest itself. */
async function referrerList(
  content: Referrers,
  subject: Descriptor,
  options: ReferrersOptions,
): Promise<ReferrerNode[]> {
  const nodes: ReferrerNode[] = [];
  for await (const descriptor of content.referrers(subject, options)) {
    nodes.push({ descriptor, referrers: [] });
  }
  return nodes;
}

/** `lading referrers IMAGE`. */
export const referrersCommand: Command = {
  name: "referrers",
  synopsis: "IMAGE",
  summary: "list the signatures, SBOMs and other artifacts about an image",
  arity: [1, 1],
  options: {
    "artifact-type": { type: "string", value: "TYPE", help: "list this type only" },
    recursive: {
      type: "boolean",
      short: "r",
      help: "list what refers to those too, such as the signature of an SBOM, as a tree",
    },
    platform: {
      type: "string",
      value: "OS/ARCH[/VARIANT]",
      help: "of the image for this platform (default: of what the name points at)",
    },
    ...JSON_OPTION,
    ...REGISTRY_OPTION,
  },
  examples: [
    "lading referrers ghcr.io/acme/app:1",
    "lading referrers ghcr.io/acme/app:1 --recursive",
    "lading referrers ghcr.io/acme/app:1 --artifact-type application/spdx+json --json",
  ],
  async run(context) {
    const { signal, output } = context;
    const image = argument(context, 0);
    const artifactType = text(context, "artifact-type");
    const platform = platformOption(context);
    const { content, reference, close } = openSource(image, openOptions(context));
    const isTree = flag(context, "recursive");
    let nodes: readonly ReferrerNode[];
    try {
      if (!hasReferrers(content)) throw new UsageError(`${image} is where nothing has referrers`);
      const subject = await resolveImage(content, reference, platform, { signal });
      const options = { artifactType, signal };
      nodes = await (isTree ? referrerTree : referrerList)(content, subject, options);
    } finally {
      await close();
    }
    if (flag(context, "json")) {
      const list = nodes.map(({ descriptor }) => descriptor);
      return await output.json(isTree ? treeJSON(nodes) : list);
    }
    for (const text of treeLines(nodes)) await output.line(text);
  },
};
