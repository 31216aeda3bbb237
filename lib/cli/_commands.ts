import type { Command } from "./_command.ts";
import { appendCommand } from "./append.ts";
import { artifactCommand } from "./artifact.ts";
import { attachCommand } from "./attach.ts";
import { authCommand } from "./auth.ts";
import { blobCommand } from "./blob.ts";
import { catalogCommand } from "./catalog.ts";
import { catCommand } from "./cat.ts";
import { checkBaseCommand } from "./check_base.ts";
import { completionsCommand } from "./completions.ts";
import { configCommand } from "./config.ts";
import { copyCommand } from "./copy.ts";
import { deleteCommand } from "./delete.ts";
import { diffCommand } from "./diff.ts";
import { digestCommand } from "./digest.ts";
import { engineCommand } from "./engine.ts";
import { exportCommand } from "./export.ts";
import { extractCommand } from "./extract.ts";
import { flattenCommand } from "./flatten.ts";
import { gcCommand } from "./gc.ts";
import { helpCommand } from "./help.ts";
import { indexCommand } from "./index.ts";
import { inspectCommand } from "./inspect.ts";
import { loginCommand } from "./login.ts";
import { logoutCommand } from "./logout.ts";
import { lsCommand } from "./ls.ts";
import { manifestCommand } from "./manifest.ts";
import { mutateCommand } from "./mutate.ts";
import { pullCommand } from "./pull.ts";
import { pushCommand } from "./push.ts";
import { ratelimitCommand } from "./ratelimit.ts";
import { rebaseCommand } from "./rebase.ts";
import { referrersCommand } from "./referrers.ts";
import { serveCommand } from "./serve.ts";
import { squashCommand } from "./squash.ts";
import { syncCommand } from "./sync.ts";
import { tagCommand } from "./tag.ts";
import { tagsCommand } from "./tags.ts";
import { untagCommand } from "./untag.ts";
import { validateCommand } from "./validate.ts";
import { versionCommand } from "./version.ts";

/** Every command, in the order of the help. */
export const COMMANDS: readonly Command[] = [
  pullCommand,
  pushCommand,
  copyCommand,
  syncCommand,
  inspectCommand,
  lsCommand,
  catCommand,
  exportCommand,
  extractCommand,
  diffCommand,
  validateCommand,
  digestCommand,
  manifestCommand,
  configCommand,
  blobCommand,
  tagsCommand,
  referrersCommand,
  catalogCommand,
  ratelimitCommand,
  attachCommand,
  artifactCommand,
  appendCommand,
  mutateCommand,
  checkBaseCommand,
  rebaseCommand,
  flattenCommand,
  squashCommand,
  indexCommand,
  tagCommand,
  untagCommand,
  deleteCommand,
  gcCommand,
  loginCommand,
  logoutCommand,
  authCommand,
  serveCommand,
  engineCommand,
  completionsCommand,
  versionCommand,
  helpCommand,
];
