import type { Target } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { isLadingError, NameTakenError, NotFoundError, RegistryError } from "../model/errors.ts";
import { isDigestReference } from "../model/reference.ts";
import { blame } from "./_side.ts";

/** What tells the name that an image gets, and whether another image may lose it. */
interface Naming {
  readonly targetReference?: string | undefined;
  readonly existing?: "replace" | "refuse" | undefined;
}

/** The name that an image gets: the one that was asked for, else the one it has in the source. */
export function targetName(naming: Naming, reference: string, root: Descriptor): string {
  return givenName(naming, reference) ?? root.digest;
}

/** The name that an image gets, where it is known before the image is. */
function givenName({ targetReference }: Naming, reference: string): string | undefined {
  if (targetReference !== undefined) return targetReference;
  const [name = ""] = reference.split("@");
  // A digest pins the source, it is no name.
  return name === "" || isDigestReference(name) ? undefined : name;
}

/**
 * Finds out what the name of an image stands for before the image is known. Stores that list their
 * roots have names that are found by others too: they are only asked where no name is to be taken.
 *
 * @returns The manifest; `undefined` where the name stands for none, or is not known yet.
 */
export async function namedBefore(
  target: Target,
  naming: Naming,
  reference: string,
  signal: AbortSignal,
): Promise<Descriptor | undefined> {
  const name = givenName(naming, reference);
  if (name === undefined) return undefined;
  if (naming.existing === "refuse") return await namedNow(target, name, signal);
  return "roots" in target ? undefined : await namedPerhaps(target, name, true, signal);
}

/** Tells what a name stands for; nothing where that cannot be told: a copy will fail, or mend it. */
export async function namedPerhaps(
  target: Target,
  name: string,
  isPushedNext: boolean,
  signal: AbortSignal,
): Promise<Descriptor | undefined> {
  if (isDigestReference(name)) return undefined;
  try {
    return await target.resolve(name, { signal, allowGet: false, isPushedNext });
  } catch (error) {
    // Where nobody answers, what comes next would only wait for the same once more.
    const isSilent = error instanceof RegistryError && error.status === 0;
    if (isLadingError(error) && !isSilent) return undefined;
    throw blame("target", error, undefined, signal);
  }
}

/** Finds out what a name stands for, if anything; digests are no names. */
export async function namedNow(
  target: Target,
  name: string,
  signal: AbortSignal,
): Promise<Descriptor | undefined> {
  if (isDigestReference(name)) return undefined;
  try {
    return await target.resolve(name, { signal });
  } catch (error) {
    if (error instanceof NotFoundError) return undefined;
    throw blame("target", error, undefined, signal);
  }
}

/** Refuses a name that stands for another image. */
export function refuseTaken(name: string, found: Descriptor | undefined, root: Descriptor): void {
  if (found === undefined || found.digest === root.digest) return;
  throw new NameTakenError(
    `Cannot give the name ${JSON.stringify(name)} to ${root.digest}: it stands for ${found.digest}`,
    { reference: name, descriptor: found },
  );
}
