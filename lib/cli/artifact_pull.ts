import { fetchArtifact } from "../ops/fetch_artifact.ts";
import { saveArtifact } from "../ops/save_artifact.ts";
import { nodeFileSystem } from "../runtime/node_file_system.ts";
import { openSource } from "../runtime/open.ts";
import { argument, type Command, flag } from "./_command.ts";
import {
  JSON_OPTION,
  MIRROR_OPTION,
  openOptions,
  platformOption,
  REGISTRY_OPTION,
} from "./_options.ts";

/** `lading artifact pull PLACE [DIRECTORY]`. */
export const artifactPullCommand: Command = {
  name: "pull",
  group: "artifact",
  synopsis: "PLACE [DIRECTORY]",
  summary: "write the files of an artifact, verified, into a directory",
  arity: [1, 2],
  options: {
    replace: { type: "boolean", help: "replace files that are there already" },
    platform: {
      type: "string",
      value: "OS/ARCH[/VARIANT]",
      help: "of an index, take what is for this platform",
    },
    ...JSON_OPTION,
    ...MIRROR_OPTION,
    ...REGISTRY_OPTION,
  },
  details:
    "DIRECTORY is the current one by default; nothing is written outside of it. The answer is a line\n" +
    "for each file: its path in DIRECTORY. Of what lading referrers lists, give the digest:\n" +
    "REPOSITORY@DIGEST.",
  examples: [
    "lading artifact pull ghcr.io/acme/rules:1 ./rules",
    "lading artifact pull ghcr.io/acme/app@sha256:9e01… . --replace",
  ],
  async run(context) {
    const { output, signal } = context;
    const directory = context.args[1] ?? ".";
    const platform = platformOption(context);
    const { content, reference, close } = openSource(argument(context, 0), openOptions(context));
    try {
      const artifact = await fetchArtifact(content, reference, { platform, signal });
      const existing = flag(context, "replace") ? "replace" : "refuse";
      const fs = nodeFileSystem();
      const { saved, leftOut } = await saveArtifact(artifact, fs, directory, { existing, signal });
      for (const { digest } of leftOut) {
        output.warn(`${digest} has no file name and was left out; lading blob prints it`);
      }
      if (flag(context, "json")) {
        const { descriptor, subject } = artifact;
        return await output.json({ ...descriptor, subject, files: saved, leftOut });
      }
      for (const { path } of saved) await output.line(path);
    } finally {
      await close();
    }
  },
};
