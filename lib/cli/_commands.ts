import type { Command } from "./_command.ts";
import { appendCommand } from "./append.ts";
import { attachCommand } from "./attach.ts";
import { blobCommand } from "./blob.ts";
import { catalogCommand } from "./catalog.ts";
import { catCommand } from "./cat.ts";
import { completionsCommand } from "./completions.ts";
import { configCommand } from "./config.ts";
import { copyCommand } from "./copy.ts";
import { deleteCommand } from "./delete.ts";
import { digestCommand } from "./digest.ts";
import { exportCommand } from "./export.ts";
import { helpCommand } from "./help.ts";
import { inspectCommand } from "./inspect.ts";
import { loginCommand } from "./login.ts";
import { logoutCommand } from "./logout.ts";
import { lsCommand } from "./ls.ts";
import { manifestCommand } from "./manifest.ts";
import { mutateCommand } from "./mutate.ts";
import { pullCommand } from "./pull.ts";
import { referrersCommand } from "./referrers.ts";
import { serveCommand } from "./serve.ts";
import { syncCommand } from "./sync.ts";
import { tagCommand } from "./tag.ts";
import { tagsCommand } from "./tags.ts";
import { untagCommand } from "./untag.ts";
import { validateCommand } from "./validate.ts";
import { versionCommand } from "./version.ts";

/** Every command, in the order of the help. */
export const COMMANDS: readonly Command[] = [
  pullCommand,
  copyCommand,
  syncCommand,
  inspectCommand,
  lsCommand,
  catCommand,
  exportCommand,
  validateCommand,
  digestCommand,
  manifestCommand,
  configCommand,
  blobCommand,
  tagsCommand,
  referrersCommand,
  catalogCommand,
  attachCommand,
  appendCommand,
  mutateCommand,
  tagCommand,
  untagCommand,
  deleteCommand,
  loginCommand,
  logoutCommand,
  serveCommand,
  completionsCommand,
  versionCommand,
  helpCommand,
];
