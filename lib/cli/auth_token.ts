import type { Token } from "../auth/token.ts";
import { TokenCache, type TokenKey } from "../auth/token_cache.ts";
import { LadingError } from "../model/errors.ts";
import { parseReference } from "../model/reference.ts";
import { openRegistry } from "../runtime/open.ts";
import { type Command, type CommandContext, flag } from "./_command.ts";
import { JSON_OPTION, openOptions, REGISTRY_OPTION } from "./_options.ts";
import { repositoryArgument } from "./_repository_argument.ts";

/** A token that a registry takes. */
interface Granted {
  readonly token: Token;
  readonly scopes: readonly string[];
}

/** Shows the tokens that come. */
class ShownTokens extends TokenCache {
  granted: Granted | undefined;

  override keep(key: TokenKey, token: Token): void {
    super.keep(key, token);
    this.granted = { token, scopes: key.scopes };
  }
}

/** Gets a token for the repository, and lets the registry see it. */
async function grant(context: CommandContext): Promise<Granted> {
  const place = repositoryArgument(context);
  const { registry, repository } = parseReference(place);
  const tokens = new ShownTokens();
  const opened = openRegistry(registry, { ...openOptions(context), tokens });
  const { name } = opened.repository(repository);
  const actions = flag(context, "push") ? "pull,push" : "pull";
  const scopes = [`repository:${name}:${actions}`];
  await opened.authenticate({ scopes, signal: context.signal });
  if (tokens.granted !== undefined) return tokens.granted;
  throw new LadingError("NO_TOKEN", `Cannot get a token: ${registry} asks for none`);
}

/** `lading auth token REPOSITORY`. */
export const authTokenCommand: Command = {
  name: "token",
  group: "auth",
  synopsis: "REPOSITORY",
  summary: "print the token that a registry takes for a repository",
  arity: [1, 1],
  options: {
    push: { type: "boolean", help: "ask for the right to push too" },
    header: {
      type: "boolean",
      short: "H",
      help: "print the header that goes along, as curl takes it",
    },
    ...JSON_OPTION,
    ...REGISTRY_OPTION,
  },
  details:
    "The token is a secret for some minutes: who has it may do what it is for. A token server may\n" +
    "give fewer rights than are asked for, and says nothing of it. Registries that take user names\n" +
    "and passwords alone, or let everybody in, have no tokens.",
  examples: [
    "lading auth token ghcr.io/acme/app --push",
    'curl -H "$(lading auth token alpine -H)" https://registry-1.docker.io/v2/library/alpine/tags/list',
  ],
  async run(context) {
    const { output } = context;
    const { token: { value, expiresIn }, scopes } = await grant(context);
    if (flag(context, "json")) return await output.json({ token: value, expiresIn, scopes });
    await output.line(flag(context, "header") ? `Authorization: Bearer ${value}` : value);
  },
};
