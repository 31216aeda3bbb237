/**
 * Tells whether an `Accept` header takes a manifest of a media type (RFC 9110 §12.5.1). There is
 * one form of each manifest, so the header never chooses; it can only exclude. Without a header
 * everything is taken, and `application/json` takes every manifest.
 *
 * @param header The header's value.
 * @param mediaType The media type of the manifest.
 * @returns Whether it may be the answer.
 */
export function accepts(header: string | null, mediaType: string): boolean {
  if (header === null || header.trim() === "") return true;
  return header.split(",").some((range) => {
    const [type, ...parameters] = range.split(";").map((part) => part.trim().toLowerCase());
    if (parameters.some((parameter) => /^q=0(?:\.0*)?$/.test(parameter))) return false;
    return type === "*/*" || type === "application/*" || type === "application/json" ||
      type === mediaType.toLowerCase();
  });
}
