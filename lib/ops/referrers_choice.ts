/** Which referrers come along with an image. */
export interface ReferrersChoice {
  /**
   * Only those of these types; default all. What refers to a referrer, such as the signature of an
   * SBOM, comes along whatever its type.
   */
  readonly artifactTypes?: readonly string[] | undefined;
}

/** Reads the option of a copy; `undefined` stands for none. */
export function referrersChoice(
  referrers: boolean | ReferrersChoice | undefined,
): ReferrersChoice | undefined {
  if (typeof referrers === "object") return referrers;
  return referrers === true ? {} : undefined;
}
