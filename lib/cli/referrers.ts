import type { Descriptor } from "../model/descriptor.ts";
import { type Command, flag, text } from "./_command.ts";
import { namedArgument } from "./_named.ts";
import { JSON_OPTION, REGISTRY_OPTION } from "./_options.ts";
import { escapeControls } from "./_plain_text.ts";
import { formatSize } from "./size.ts";

function line({ digest, artifactType = "", size }: Descriptor): string {
  return `${digest}  ${formatSize(size).padStart(7)}  ${escapeControls(artifactType)}`.trimEnd();
}

/** `lading referrers IMAGE`. */
export const referrersCommand: Command = {
  name: "referrers",
  synopsis: "IMAGE",
  summary: "list the signatures, SBOMs and other artifacts about an image",
  arity: [1, 1],
  options: {
    "artifact-type": { type: "string", value: "TYPE", help: "list this type only" },
    ...JSON_OPTION,
    ...REGISTRY_OPTION,
  },
  examples: [
    "lading referrers ghcr.io/acme/app:1",
    "lading referrers ghcr.io/acme/app:1 --artifact-type application/spdx+json --json",
  ],
  async run(context) {
    const { repository, reference } = namedArgument(context);
    const { signal, output } = context;
    const name = reference.digest ?? reference.tag ?? "latest";
    const subject = await repository.resolve(name, { signal });
    const artifactType = text(context, "artifact-type");
    const found: Descriptor[] = [];
    for await (const referrer of repository.referrers(subject, { artifactType, signal })) {
      found.push(referrer);
    }
    if (flag(context, "json")) return await output.json(found);
    for (const referrer of found) await output.line(line(referrer));
  },
};
