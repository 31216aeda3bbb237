import { encodeBase64 } from "../model/base64.ts";
import type { BasicCredentials } from "./credentials.ts";

const HEADER_TOKEN_REGEXP = /^[\x21-\x7e]+$/;

/**
 * Tells whether a token can stand in a header. `Headers` would refuse others with a message that
 * holds them.
 *
 * @param token The token.
 * @returns Whether it is printable ASCII without blanks.
 */
export function isHeaderToken(token: string): boolean {
  return HEADER_TOKEN_REGEXP.test(token);
}

/**
 * Makes the value of an `Authorization` header for a user name and a password (RFC 7617, UTF-8).
 *
 * @param credentials The user name and the password.
 * @returns The value.
 * @throws {TypeError} when the user name holds a colon, or one of the two a control character.
 */
export function basicAuthorization(credentials: BasicCredentials): string {
  const { username, password } = credentials;
  if (username.includes(":") || /\p{Cc}/u.test(username + password)) {
    throw new TypeError(
      "Cannot use credentials: a colon in the user name or a control character cannot be sent",
    );
  }
  return `Basic ${encodeBase64(new TextEncoder().encode(`${username}:${password}`))}`;
}
