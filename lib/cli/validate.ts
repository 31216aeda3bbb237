import { validate } from "../ops/validate.ts";
import { openSource } from "../runtime/open.ts";
import { argument, type Command, ValidationFailedError } from "./_command.ts";
import { JSON_OPTION, openOptions } from "./_options.ts";

/** `lading validate IMAGE`. */
export const validateCommand: Command = {
  name: "validate",
  synopsis: "IMAGE",
  summary: "prove every digest, size, diffID and rule of an image",
  arity: [1, 1],
  options: {
    fast: { type: "boolean", help: "do not read the layers" },
    ...JSON_OPTION,
  },
  async run(context) {
    const image = argument(context, 0);
    const source = openSource(image, openOptions(context));
    try {
      const report = await validate(source.content, source.reference, {
        signal: context.signal,
        fast: context.options["fast"] === true,
      });
      if (context.options["json"] === true) await context.output.json(report);
      else for (const { message } of report.problems) await context.output.line(message);
      if (!report.ok) {
        throw new ValidationFailedError(`${image} has ${report.problems.length} problems`);
      }
      context.output.note(`${image} is valid: ${report.stats.blobs} blobs proved`);
    } finally {
      await source.close();
    }
  },
};
