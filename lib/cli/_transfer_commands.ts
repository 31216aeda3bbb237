import type { Command } from "./_command.ts";
import { blobCommand } from "./blob.ts";
import { configCommand } from "./config.ts";
import { copyCommand } from "./copy.ts";
import { digestCommand } from "./digest.ts";
import { helpCommand } from "./help.ts";
import { manifestCommand } from "./manifest.ts";
import { pullCommand } from "./pull.ts";
import { pushCommand } from "./push.ts";
import { tagsCommand } from "./tags.ts";

/**
 * The commands that scripts run in loops, and the help of each of them: they need but two thirds of
 * the program, and reading it is a large part of a short run.
 */
export const TRANSFER_COMMANDS: readonly Command[] = [
  pullCommand,
  pushCommand,
  copyCommand,
  digestCommand,
  manifestCommand,
  configCommand,
  blobCommand,
  tagsCommand,
  helpCommand,
];
