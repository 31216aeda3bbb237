import { UsageError } from "./_command.ts";

/** A user and the password. */
export interface Identity {
  readonly username: string;
  readonly password: string;
}

/** Refuses what no registry can be told (RFC 7617 §2). */
export function checkedIdentity(identity: Identity): Identity {
  const { username, password } = identity;
  if (username === "") throw new UsageError("the user name is empty");
  if (username.includes(":")) throw new UsageError("a user name holds no colon");
  if (password === "") throw new UsageError("the password is empty");
  if (/\p{Cc}/u.test(username + password)) {
    throw new UsageError("the user name or the password holds a control character");
  }
  return identity;
}
