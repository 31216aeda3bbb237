import { resolveImage } from "../image/resolve_image.ts";
import { validate } from "../ops/validate.ts";
import { openSource } from "../runtime/open.ts";
import { argument, type Command, flag, ValidationFailedError } from "./_command.ts";
import {
  JSON_OPTION,
  MIRROR_OPTION,
  openOptions,
  platformOption,
  REGISTRY_OPTION,
} from "./_options.ts";
import { THREADS_OPTION, withThreads } from "./_threads.ts";

/** `lading validate IMAGE`. */
export const validateCommand: Command = {
  name: "validate",
  synopsis: "IMAGE",
  summary: "prove every digest, size, diffID and rule of an image",
  arity: [1, 1],
  options: {
    fast: { type: "boolean", help: "do not read the layers" },
    platform: {
      type: "string",
      value: "OS/ARCH[/VARIANT]",
      help: "of an index, prove the image for this platform only (default: all of it)",
    },
    ...THREADS_OPTION,
    ...JSON_OPTION,
    ...MIRROR_OPTION,
    ...REGISTRY_OPTION,
  },
  details: "Problems are printed, one a line; the exit code is 5 when there are any.",
  examples: [
    "lading validate oci:./alpine",
    "lading validate oci:./debian --threads 2",
    "lading validate alpine:3.20 --fast --json",
  ],
  async run(context) {
    const { output, signal } = context;
    const image = argument(context, 0);
    const source = openSource(image, openOptions(context));
    try {
      const fast = flag(context, "fast");
      const { content, reference } = source;
      const platform = platformOption(context);
      const named = platform === undefined
        ? reference
        : (await resolveImage(content, reference, platform, { signal })).digest;
      const report = await withThreads(
        context,
        (threads) => validate(content, named, { signal, fast, threads }),
      );
      if (flag(context, "json")) await output.json(report);
      else for (const { message } of report.problems) await output.line(message);
      if (!report.ok) {
        const { length } = report.problems;
        throw new ValidationFailedError(
          `${image} has ${length === 1 ? "a problem" : `${length} problems`}`,
        );
      }
      output.note(`${image} is valid: ${report.stats.blobs} blobs proved`);
    } finally {
      await source.close();
    }
  },
};
