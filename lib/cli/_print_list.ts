import { type CommandContext, flag } from "./_command.ts";

/** Prints names as they come, one a line, or all of them as JSON. */
export async function printList(
  context: CommandContext,
  names: AsyncIterable<string>,
): Promise<void> {
  if (!flag(context, "json")) return await context.output.lines(names);
  const all: string[] = [];
  for await (const name of names) all.push(name);
  await context.output.json(all);
}
