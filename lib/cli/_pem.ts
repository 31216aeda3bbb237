/** What a file in PEM may hold. */
export type PEMContent = "certificate" | "private key";

/** What stands in front of each kind of content (RFC 7468). */
const LABELS: Readonly<Record<PEMContent, RegExp>> = {
  "certificate": /-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----/,
  "private key": /-----BEGIN [A-Z ]*PRIVATE KEY-----/,
};

/**
 * Tells whether a text holds something in PEM. The runtimes pass over what they do not know, and would
 * trust nobody more.
 */
export function holdsPEM(text: string, content: PEMContent): boolean {
  return LABELS[content].test(text);
}
