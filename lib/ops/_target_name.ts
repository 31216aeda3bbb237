import type { Target } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { NameTakenError, NotFoundError } from "../model/errors.ts";
import { isDigestReference } from "../model/reference.ts";
import { blame } from "./_side.ts";
import { digestAt } from "./sync_names.ts";

/** The name that an image gets: the one that was asked for, else the one it has in the source. */
export function targetName(
  { targetReference }: { readonly targetReference?: string | undefined },
  reference: string,
  root: Descriptor,
): string {
  if (targetReference !== undefined) return targetReference;
  const [name = ""] = reference.split("@");
  // A digest pins the source, it is no name.
  return name === "" || isDigestReference(name) ? root.digest : name;
}

/** What happens to a name that stands for another image, and how long to wait for the answer. */
interface TakenOptions {
  readonly existing: "replace" | "refuse" | undefined;
  readonly signal: AbortSignal;
}

/** Refuses a name that stands for another image already, where it was asked to. */
export async function refuseTaken(
  target: Target,
  name: string,
  root: Descriptor,
  { existing, signal }: TakenOptions,
): Promise<void> {
  if (existing !== "refuse" || isDigestReference(name)) return;
  let found: Descriptor;
  try {
    found = await target.resolve(name, { signal });
  } catch (error) {
    if (error instanceof NotFoundError) return;
    throw blame("target", error, root, signal);
  }
  if (found.digest === root.digest) return;
  throw new NameTakenError(
    `Cannot give the name ${JSON.stringify(name)} to ${root.digest}: it stands for ${found.digest}`,
    { reference: name, descriptor: found },
  );
}

/**
 * Tells whether a tag in a registry stands for an image already: those that are fixed there cannot be
 * given again. Stores that list their roots have names that are found by others too, and digests.
 */
export async function standsFor(
  target: Target,
  name: string,
  root: Descriptor,
  signal: AbortSignal,
): Promise<boolean> {
  if ("roots" in target || isDigestReference(name)) return false;
  return await digestAt(target, name, signal) === root.digest;
}
