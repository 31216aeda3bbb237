import { InvalidReferenceError, isLadingError } from "../model/errors.ts";
import { parsePlace } from "../model/place.ts";
import { DEFAULT_REGISTRY, parseReference } from "../model/reference.ts";
import { detectPlace } from "../runtime/detect_place.ts";

/** What is a path for a shell, and never a reference. */
const PATH_REGEXP = /^(?:\.{0,2}\/|\.{1,2}$|~)/;

/** Tells whether a place is written as a path: `./alpine`, `/srv/images`. */
export function isPath(place: string): boolean {
  return PATH_REGEXP.test(place);
}

/**
 * Guesses which place was meant by what was taken for a reference: of other tools a directory or an
 * archive needs no transport before it.
 *
 * @param error What was thrown.
 * @param args The arguments of the command.
 * @returns What to write instead; `undefined` when nothing was taken for something else.
 */
export async function meantPlace(
  error: unknown,
  args: readonly string[],
): Promise<string | undefined> {
  const about = args.filter((arg) => isAbout(error, arg));
  const [taken] = about;
  if (taken === undefined) return undefined;
  if (taken === "-") return "docker-archive:- and oci-archive:- are archives on stdin";
  for (const arg of about) {
    const place = await detectPlace(arg);
    if (place !== undefined) return `did you mean ${place}?`;
  }
  return isPath(taken)
    ? "a layout is oci:DIR, an archive oci-archive:FILE or docker-archive:FILE"
    : undefined;
}

/** Tells whether an error is about an argument that was taken for a reference. */
function isAbout(error: unknown, arg: string): boolean {
  if (error instanceof InvalidReferenceError) return error.input === arg && isReference(arg);
  if (!isLadingError(error) || !isReference(arg)) return false;
  try {
    const { registry, repository } = parseReference(arg);
    // Without a network nobody answers that there is no such image.
    if (registry === DEFAULT_REGISTRY && error.message.startsWith('Cannot reach "')) return true;
    return error.message.startsWith(`Cannot pull "${registry}/${repository}:`);
  } catch {
    return false;
  }
}

function isReference(arg: string): boolean {
  try {
    return parsePlace(arg).transport === "docker";
  } catch {
    return false;
  }
}
