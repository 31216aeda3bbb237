import { ApiVersionError } from "../model/errors.ts";

/** The newest version of the Engine API that this library knows (Docker 29.6). */
export const MAX_API_VERSION = "1.55";

/** The oldest one: every engine that still gets repairs can be told to accept it. */
export const MIN_API_VERSION = "1.24";

const VERSION_REGEXP = /^(\d{1,4})\.(\d{1,4})$/;

/**
 * Tells whether a text is a version of the Engine API.
 *
 * @param text Any text.
 * @returns Whether it is two numbers with a dot between them.
 */
export function isApiVersion(text: string): boolean {
  return VERSION_REGEXP.test(text);
}

/**
 * Compares two versions of the Engine API number by number: 1.10 is newer than 1.9.
 *
 * @param a A version.
 * @param b A version.
 * @returns Less than 0 when `a` is older, more than 0 when it is newer, else 0.
 * @throws {TypeError} when one of them is no version.
 */
export function compareApiVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((text) => {
    const [, major, minor] = VERSION_REGEXP.exec(text) ?? [];
    if (major === undefined) {
      throw new TypeError(`Cannot compare API versions: ${JSON.stringify(text)} is none`);
    }
    return [Number(major), Number(minor)] as const;
  });
  if (left === undefined || right === undefined) return 0;
  return left[0] - right[0] || left[1] - right[1];
}

/**
 * Chooses the version to speak with an engine: the older one of the two newest.
 *
 * @param newest The newest version of the engine.
 * @param endpoint The request that has told it, for errors.
 * @returns The version.
 * @throws {ApiVersionError} when the engine is too old.
 */
export function negotiateApiVersion(newest: string, endpoint: string): string {
  if (compareApiVersions(newest, MIN_API_VERSION) < 0) {
    throw new ApiVersionError(
      `Cannot talk to the engine: its newest API version is ${newest}, and the oldest one that ` +
        `lading speaks is ${MIN_API_VERSION}; update the engine`,
      { status: 200, endpoint, apiVersion: undefined, needed: MIN_API_VERSION },
    );
  }
  return compareApiVersions(newest, MAX_API_VERSION) < 0 ? newest : MAX_API_VERSION;
}
