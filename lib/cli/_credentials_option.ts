import type { CredentialProvider } from "../auth/credentials.ts";
import { parsePlace } from "../model/place.ts";
import { parseReference } from "../model/reference.ts";
import { hostCredentials } from "../runtime/docker_credentials.ts";
import { type CommandContext, type OptionSpecs, type OptionValues, text } from "./_command.ts";
import { checkedIdentity } from "./_identity.ts";

/** The options that log in for one run; passwords are asked for in this order. */
const NAMES = ["creds", "src-creds", "dest-creds"] as const;

/** What a command does in a registry where it speaks to two. */
export type RegistrySide = "source" | "target";

/** The option of commands that speak to one registry. */
export const CREDENTIALS_OPTION: OptionSpecs = {
  creds: {
    type: "string",
    isSecret: true,
    value: "USER[:PASSWORD]",
    help: "log in for this run; others see a password here, lading login hides it",
  },
};

/** The options of commands that speak to two. */
export const BOTH_CREDENTIALS_OPTIONS: OptionSpecs = {
  "src-creds": {
    type: "string",
    isSecret: true,
    value: "USER[:PASSWORD]",
    help: "log in to the registry of FROM for this run; others see a password here",
  },
  "dest-creds": {
    type: "string",
    isSecret: true,
    value: "USER[:PASSWORD]",
    help: "log in to the registry of TO for this run; lading login hides the password",
  },
};

/** The options of commands that make an image of another one. */
export const EDIT_CREDENTIALS_OPTIONS: OptionSpecs = {
  "src-creds": {
    type: "string",
    isSecret: true,
    value: "USER[:PASSWORD]",
    help: "log in to the registry of the first image for this run; others see a password here",
  },
  "dest-creds": {
    type: "string",
    isSecret: true,
    value: "USER[:PASSWORD]",
    help: "log in to the registry of --to for this run; lading login hides the password",
  },
};

/** The option of commands that compare images. */
export const FIRST_CREDENTIALS_OPTION: OptionSpecs = {
  creds: {
    type: "string",
    isSecret: true,
    value: "USER[:PASSWORD]",
    help: "log in to the registry of the first image for this run; others see a password here",
  },
};

/**
 * Reads the credentials for the registry of the first image. Another registry, which annotations of an
 * image may have named, is told nothing but what is kept for it.
 */
export function firstCredentials(context: CommandContext): CredentialProvider | undefined {
  const given = credentialsOption(context, "source");
  const [first] = context.args;
  if (given === undefined || first === undefined) return given;
  const place = parsePlace(first);
  const registry = place.transport === "docker"
    ? parseReference(place.reference).registry
    : undefined;
  const kept = hostCredentials();
  return (request) => request.registry === registry ? given(request) : kept(request);
}

/** Reads the credentials for one registry; `undefined` leaves it to the configuration. */
export function credentialsOption(
  context: CommandContext,
  side: RegistrySide,
): CredentialProvider | undefined {
  const value = text(context, "creds") ??
    text(context, side === "source" ? "src-creds" : "dest-creds");
  if (value === undefined) return undefined;
  const [username, ...password] = value.split(":");
  const identity = checkedIdentity({ username: username ?? "", password: password.join(":") });
  return () => Promise.resolve({ kind: "basic", ...identity });
}

/** Asks for the passwords that were left out, before anything is done. */
export async function withPasswords(
  options: OptionValues,
  signal: AbortSignal,
): Promise<OptionValues> {
  const users = NAMES.flatMap((name) => {
    const user = options.get(name);
    return typeof user === "string" && !user.includes(":") ? [{ name, user }] : [];
  });
  if (users.length === 0) return options;
  const { TerminalInput } = await import("./_terminal_input.ts");
  const terminal = new TerminalInput(signal, "lading login has --password-stdin");
  const whole = new Map(options);
  for (const { name, user } of users) {
    whole.set(name, `${user}:${await terminal.secret(`Password of ${user} (--${name}): `)}`);
  }
  return whole;
}
