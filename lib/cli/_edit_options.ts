import type { MutateOptions, PairsEdit } from "../image/mutate_options.ts";
import { parsePlatform } from "../model/parse_platform.ts";
import { type CommandContext, list, type OptionSpecs, text, UsageError } from "./_command.ts";
import { formatOption, pairsOption } from "./_options.ts";
import { shellWords } from "./_shell_words.ts";

const SEVERAL = "may be given several times";

/** The options that change what an image says. */
export const EDIT_OPTIONS: OptionSpecs = {
  cmd: { type: "string", value: "COMMAND", help: "set the command, or the arguments" },
  entrypoint: {
    type: "string",
    value: "COMMAND",
    help: "set the entry point; it takes the command out unless --cmd is given",
  },
  env: {
    type: "string",
    isList: true,
    short: "e",
    value: "KEY=VALUE",
    help: `set a variable; ${SEVERAL}`,
  },
  label: {
    type: "string",
    isList: true,
    short: "l",
    value: "KEY=VALUE",
    help: `set a label; ${SEVERAL}`,
  },
  annotation: {
    type: "string",
    isList: true,
    short: "a",
    value: "KEY=VALUE",
    help: `set an annotation of the manifest; ${SEVERAL}`,
  },
  remove: {
    type: "string",
    isList: true,
    value: "WHAT:KEY",
    help: `remove env:KEY, label:KEY or annotation:KEY; ${SEVERAL}`,
  },
  user: { type: "string", short: "u", value: "USER[:GROUP]", help: "set the user" },
  workdir: { type: "string", short: "w", value: "PATH", help: "set the working directory" },
  expose: {
    type: "string",
    isList: true,
    value: "PORT",
    help: `set the ports, as 8080 or 53/udp; ${SEVERAL}`,
  },
  volume: { type: "string", isList: true, value: "PATH", help: `set the volumes; ${SEVERAL}` },
  author: { type: "string", value: "NAME", help: "set who made it" },
  created: { type: "string", value: "TIME", help: "set when it was made (RFC 3339, or seconds)" },
  "set-platform": { type: "string", value: "OS/ARCH[/VARIANT]", help: "set what it runs on" },
  format: { type: "string", value: "oci|docker", help: "write manifests in this format" },
};

/** Reads what is to be changed; `undefined` when nothing is. */
export function editOf(context: CommandContext): MutateOptions | undefined {
  const platform = text(context, "set-platform");
  const cmd = text(context, "cmd");
  const entrypoint = text(context, "entrypoint");
  const edit: MutateOptions = {
    cmd: cmd === undefined ? undefined : shellWords(cmd, "cmd"),
    entrypoint: entrypoint === undefined ? undefined : shellWords(entrypoint, "entrypoint"),
    env: pairsEdit(context, "env"),
    labels: pairsEdit(context, "label"),
    annotations: pairsEdit(context, "annotation"),
    user: text(context, "user"),
    workingDir: text(context, "workdir"),
    exposedPorts: portsOption(context),
    volumes: someOf(context, "volume"),
    author: text(context, "author"),
    created: timeOption(context, "created"),
    platform: platform === undefined ? undefined : parsePlatform(platform),
    mediaTypes: formatOption(context),
  };
  return Object.values(edit).some((value) => value !== undefined) ? edit : undefined;
}

/** Reads a time: RFC 3339, or seconds since 1970. */
export function timeOption(context: CommandContext, name: string): number | string | undefined {
  const value = text(context, name);
  if (value === undefined) return undefined;
  if (/^\d{1,12}$/.test(value)) return Number(value);
  if (/^\d{4}-/.test(value) && !Number.isNaN(Date.parse(value))) return value;
  throw new UsageError(`--${name} takes a time or seconds, not ${JSON.stringify(value)}`);
}

// image-spec, config.md §ExposedPorts.
const PORT_REGEXP = /^([1-9]\d{0,4})(?:\/(?:tcp|udp|sctp))?$/;

function portsOption(context: CommandContext): readonly string[] | undefined {
  const ports = someOf(context, "expose");
  const wrong = ports?.find((port) => !(Number(PORT_REGEXP.exec(port)?.[1] ?? 0x10000) < 0x10000));
  if (wrong === undefined) return ports;
  throw new UsageError(`--expose takes a port, as 8080 or 53/udp, not ${JSON.stringify(wrong)}`);
}

function someOf(context: CommandContext, name: string): readonly string[] | undefined {
  const values = list(context, name);
  return values.length === 0 ? undefined : values;
}

/** The pairs to set, and those to remove. */
function pairsEdit(context: CommandContext, name: string): PairsEdit | undefined {
  const removed = list(context, "remove").flatMap((what) => {
    const [, kind, key] = /^(env|label|annotation):(.+)$/.exec(what) ?? [];
    if (key === undefined) {
      throw new UsageError(
        `--remove takes env:KEY, label:KEY or annotation:KEY, not ${JSON.stringify(what)}`,
      );
    }
    return kind === name ? [[key, null] as const] : [];
  });
  const set = pairsOption(context, name);
  if (set === undefined && removed.length === 0) return undefined;
  return { ...Object.fromEntries(removed), ...set };
}
