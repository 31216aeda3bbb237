import type { Operation } from "../bytes/operation.ts";
import type { CopyEvent } from "../model/events.ts";
import type { CopyResult } from "../ops/copy.ts";
import { type CommandContext, flag, type OptionSpecs } from "./_command.ts";
import {
  JOBS_OPTION,
  JSON_OPTION,
  MIRROR_OPTION,
  PLATFORM_OPTION,
  REGISTRIES_OPTION,
} from "./_options.ts";
import { pinnedReference } from "../runtime/pinned_reference.ts";
import { showProgress } from "./progress.ts";
import { formatSize } from "./size.ts";

/** The options of commands that move images. */
export const TRANSFER_OPTIONS: OptionSpecs = {
  ...PLATFORM_OPTION,
  ...JOBS_OPTION,
  ...JSON_OPTION,
  ...MIRROR_OPTION,
  ...REGISTRIES_OPTION,
};

/** What is moved, and how the answer names it. */
export interface Transfer {
  readonly operation: Operation<CopyResult, CopyEvent>;
  /** The place that the image goes to. */
  readonly to: string;
  /** The place whose name is pinned by the digest in the answer. */
  readonly pin: string;
}

/** Waits for a copy, shows its progress, and answers with the digest-pinned reference. */
export async function transfer(
  context: CommandContext,
  { operation, to, pin }: Transfer,
): Promise<void> {
  const { output } = context;
  const started = Date.now();
  const result = await showProgress(operation, output);
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  const [moved, kept] = [formatSize(result.bytesFetched), formatSize(result.bytesSkipped)];
  const mounted = result.bytesMounted === 0 ? "" : `${formatSize(result.bytesMounted)} mounted, `;
  output.note(`moved ${moved} to ${to} in ${seconds} s, ${mounted}${kept} were there`);
  const reference = pinnedReference(pin, result.descriptor.digest);
  if (flag(context, "json")) return await output.json({ ...result, reference, place: to });
  await output.line(reference);
}
