import { DEFAULT_REGISTRY } from "../model/reference.ts";
import { login, type LoginResult } from "../runtime/login.ts";
import { type Command, type CommandContext, flag, text, UsageError } from "./_command.ts";
import { CONFIG_OPTION, warnOfVariable } from "./_config_option.ts";
import { checkedIdentity, type Identity } from "./_identity.ts";
import { openOptions, REGISTRIES_OPTION } from "./_options.ts";
import { readSecret, TerminalInput } from "./_terminal_input.ts";

/** `lading login [REGISTRY]`. */
export const loginCommand: Command = {
  name: "login",
  synopsis: "[REGISTRY]",
  summary: "prove credentials to a registry and keep them",
  arity: [0, 1],
  options: {
    username: { type: "string", short: "u", value: "USER", help: "log in as this user" },
    password: {
      type: "string",
      short: "p",
      isSecret: true,
      value: "PASSWORD",
      help: "the password; others see it, --password-stdin is safe",
    },
    "password-stdin": { type: "boolean", help: "read the password from stdin" },
    ...CONFIG_OPTION,
    ...REGISTRIES_OPTION,
  },
  details:
    "Without REGISTRY it is Docker Hub. What is not given is asked for on the terminal. The\n" +
    "credentials go where docker login puts them: to the credential helper that the configuration\n" +
    "names, else into the file, which its owner alone can read.",
  examples: [
    "lading login ghcr.io -u acme",
    'echo "$TOKEN" | lading login ghcr.io -u acme --password-stdin',
  ],
  async run(context) {
    const { args: [registry = DEFAULT_REGISTRY], output } = context;
    const identity = await identityOf(context);
    const result = await login(registry, {
      ...openOptions(context),
      plainHTTP: flag(context, "plain-http") || "loopback",
      ...identity,
      config: text(context, "config"),
    });
    output.note(describe(result, identity));
    if (text(context, "config") === undefined) warnOfVariable(output);
    if (!result.isProven) {
      output.warn(`${result.registry} lets everybody in; the password was not checked`);
    }
    if (result.place.kind === "file") {
      const what = result.kind === "basic" ? "password" : "token";
      output.warn(`the ${what} is kept unencrypted; a credential helper keeps it safer`);
    }
  },
};

function describe({ registry, place }: LoginResult, { username }: Identity): string {
  return `logged in to ${registry} as ${username}; kept ${
    place.kind === "file" ? `in ${place.name}` : `by ${place.name}`
  }`;
}

async function identityOf(context: CommandContext): Promise<Identity> {
  const { signal, output } = context;
  const username = text(context, "username");
  const password = text(context, "password");
  const isPiped = flag(context, "password-stdin");
  if (isPiped) {
    if (password !== undefined) {
      throw new UsageError("give --password or --password-stdin, not both");
    }
    if (username === undefined) throw new UsageError("--password-stdin needs --username");
    return checkedIdentity({ username, password: await readSecret(signal) });
  }
  if (password !== undefined) {
    output.warn("--password shows the password to everybody on this machine; use --password-stdin");
    if (username !== undefined) return checkedIdentity({ username, password });
  }
  const terminal = new TerminalInput(signal, "give --username and --password-stdin");
  return checkedIdentity({
    username: username ?? await terminal.line("Username: "),
    password: password ?? await terminal.secret("Password: "),
  });
}
