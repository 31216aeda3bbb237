/** A token of a cloud's account service. */
export interface AccessToken {
  /** The token. */
  readonly token: string;
  /** How long it is good yet, in seconds; without it, it is asked for anew each time. */
  readonly expiresInSeconds?: number | undefined;
}

/**
 * Gets an access token from wherever the program has it: a cloud's own library, a command, a
 * variable. An error of it ends the search for credentials.
 */
export type AccessTokenSource = (signal?: AbortSignal) => Promise<AccessToken>;
