import { type LadingError, RegistryError, TagImmutableError } from "../model/errors.ts";

/**
 * Gives the refusal to change a tag that stands for good its own class. Only its words tell. Harbor:
 * 412 "configured as immutable"; ECR: 400 "the repository is immutable".
 *
 * @param error What a registry said to a PUT or a DELETE of a manifest.
 * @returns The error to throw.
 */
export function tagError(error: LadingError): LadingError {
  if (!(error instanceof RegistryError)) return error;
  const { message, status, method, url, diagnostics, retryAfter } = error;
  // Names may have the word too.
  const said = message.replace(/"[^"]*"|https?:\S+/g, "");
  const words = [said, ...diagnostics.flatMap(({ code, message }) => [code, message])];
  return words.some((text) => /immutab/i.test(text))
    ? new TagImmutableError(message, { status, method, url, diagnostics, retryAfter })
    : error;
}
