import { encodeBase64 } from "../model/base64.ts";
import type { StorableCredentials } from "./credentials.ts";
import { parseDockerConfig } from "./docker_config.ts";
import { removeMembers, setValue } from "./_json_edit.ts";
import { isKeyOf, serverAddress } from "./registry_key.ts";

/** The fields of an entry that say who somebody is. Others, such as `email`, stay. */
const SECRET_FIELDS: ReadonlySet<string> = new Set([
  ...["auth", "username", "password", "identitytoken", "registrytoken"],
]);

function documentOf(text: string, name: string | undefined): string {
  parseDockerConfig(text, name);
  return text.replace(/^\ufeff/, "").trim() === "" ? "{}" : text;
}

function encodePair(username: string, password: string): string {
  return encodeBase64(new TextEncoder().encode(`${username}:${password}`));
}

/**
 * Writes credentials into the text of a Docker configuration file, as `docker login` does: the user
 * name and the password as `auth`, an identity token as `identitytoken` beside an `auth` that holds
 * the user name alone. Docker Hub is kept as `https://index.docker.io/v1/`. Entries of the registry
 * under other spellings go away, so that no reader finds old credentials. Everything else in the
 * text stays as it is, to the character.
 *
 * @param text The text of the file; an empty one becomes a document.
 * @param registry The registry, host and port.
 * @param credentials What to keep.
 * @param name The name of the file, for messages.
 * @returns The new text.
 * @throws {InvalidConfigError} when the text is no configuration; nothing of it is in the error.
 *
 * @example A login
 * ```ts
 * import { storeInDockerConfig } from "@lading/lading/auth";
 *
 * const text = '{"psFormat":"table"}';
 * const credentials = { kind: "basic", username: "u", password: "p" } as const;
 * console.log(storeInDockerConfig(text, "r.example", credentials));
 * // {"psFormat":"table","auths":{"r.example":{"auth":"dTpw"}}}
 * ```
 */
export function storeInDockerConfig(
  text: string,
  registry: string,
  credentials: StorableCredentials,
  name?: string,
): string {
  const key = serverAddress(registry);
  const isOther = (candidate: string): boolean => candidate !== key && isKeyOf(candidate, registry);
  const others = removeMembers(documentOf(text, name), ["auths"], isOther);
  const bare = removeMembers(others, ["auths", key], (field) => SECRET_FIELDS.has(field));
  if (credentials.kind === "basic") {
    const auth = encodePair(credentials.username, credentials.password);
    return setValue(bare, ["auths", key, "auth"], auth);
  }
  const { username = "", token } = credentials;
  const named = username === ""
    ? bare
    : setValue(bare, ["auths", key, "auth"], encodePair(username, ""));
  return setValue(named, ["auths", key, "identitytoken"], token);
}

/**
 * Takes the entries of a registry out of the text of a Docker configuration file, under every
 * spelling of its name. Entries that are for some of its repositories only stay, and so does
 * everything else, to the character.
 *
 * @param text The text of the file.
 * @param registry The registry, host and port.
 * @param name The name of the file, for messages.
 * @returns The new text; the same when there is no such entry.
 * @throws {InvalidConfigError} when the text is no configuration; nothing of it is in the error.
 */
export function eraseFromDockerConfig(text: string, registry: string, name?: string): string {
  const document = documentOf(text, name);
  const edited = removeMembers(document, ["auths"], (key) => isKeyOf(key, registry));
  return edited === document ? text : edited;
}
