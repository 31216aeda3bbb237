import type { CallOptions } from "../model/content.ts";
import { InvalidReferenceError } from "../model/errors.ts";
import { serverAddress } from "../auth/registry_key.ts";
import { textField } from "./_fields.ts";
import type { EngineClient } from "./engine_client.ts";

/** Options of {@linkcode Engine.login}. */
export interface LoginOptions extends CallOptions {
  /** The registry; default Docker Hub. */
  readonly registry?: string | undefined;
  /** The user name. */
  readonly username: string;
  /** The password, or a token that is used like one. */
  readonly password: string;
}

/** What {@linkcode Engine.login} found out. */
export interface LoginResult {
  /** What the engine says: `Login Succeeded`. */
  readonly status: string;
  /** A token that has to be used instead of the password from now on; "" for none. */
  readonly identityToken: string;
}

/** Lets the engine try credentials at a registry. */
export async function checkLogin(
  client: EngineClient,
  { registry = "docker.io", username, password, signal }: LoginOptions,
): Promise<LoginResult> {
  if (username === "" || /\p{Cc}/u.test(username)) {
    throw new TypeError(`Cannot log in as ${JSON.stringify(username)}: that is no user name`);
  }
  if (registry === "" || /[\s\p{Cc}]/u.test(registry)) {
    const input = registry;
    const shown = JSON.stringify(registry);
    throw new InvalidReferenceError(`Cannot log in to ${shown}: that is no registry`, { input });
  }
  const serveraddress = serverAddress(registry);
  const answer = await client.send({
    action: `log in to ${JSON.stringify(registry)} as ${JSON.stringify(username)}`,
    method: "POST",
    path: "/auth",
    body: {
      type: "application/json",
      content: JSON.stringify({ username, password, serveraddress }),
    },
    signal,
  });
  if (answer.status === 204) {
    await answer.body.cancel();
    return { status: "", identityToken: "" };
  }
  const result = await client.objectOf(answer, { action: "log in", signal });
  return { status: textField(result, "Status"), identityToken: textField(result, "IdentityToken") };
}
