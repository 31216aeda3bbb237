import process from "node:process";
import type { BuildOptions, BuildUlimit } from "../engine/build_options.ts";
import { type CommandContext, flag, list, type OptionSpecs, text, UsageError } from "./_command.ts";
import { DEFAULT_PLATFORM_OPTION, defaultPlatform } from "./_engine.ts";
import { pairsOption } from "./_options.ts";

/** What can be said of a build, but for its Dockerfile. */
export const BUILD_OPTIONS: OptionSpecs = {
  tag: {
    type: "string",
    short: "t",
    isList: true,
    value: "NAME",
    help: "name it; may be given several times",
  },
  "build-arg": {
    type: "string",
    isList: true,
    value: "KEY[=VALUE]",
    help: "set an argument; may be given several times",
  },
  label: {
    type: "string",
    isList: true,
    value: "KEY=VALUE",
    help: "set a label; may be given several times",
  },
  target: { type: "string", value: "STAGE", help: "stop at this stage" },
  "no-cache": { type: "boolean", help: "use no cache" },
  pull: { type: "boolean", help: "pull newer images that it builds on" },
  "cache-from": {
    type: "string",
    isList: true,
    value: "IMAGE",
    help: "use the cache of this image",
  },
  network: { type: "string", value: "MODE", help: "the network of the steps" },
  "add-host": {
    type: "string",
    isList: true,
    value: "NAME:ADDRESS",
    help: "a host for the steps; may be given several times",
  },
  memory: { type: "string", short: "m", value: "BYTES", help: "the memory of a step: 512m, 1g" },
  "shm-size": { type: "string", value: "BYTES", help: "the size of /dev/shm" },
  ulimit: {
    type: "string",
    isList: true,
    value: "NAME=SOFT[:HARD]",
    help: "a limit of the shell; may be given several times",
  },
  squash: { type: "boolean", help: "make the new layers one, where the engine can" },
  compress: { type: "boolean", help: "compress the context with gzip" },
  "force-rm": { type: "boolean", help: "remove the containers of steps after a failure too" },
  buildkit: { type: "boolean", help: "build with BuildKit, as far as it goes without a session" },
  ...DEFAULT_PLATFORM_OPTION,
};

/** Reads them. */
export function buildOptions(context: CommandContext): BuildOptions {
  const memory = bytesOption(context, "memory");
  return {
    tags: list(context, "tag"),
    buildArgs: buildArgs(context),
    labels: pairsOption(context, "label"),
    target: text(context, "target"),
    noCache: flag(context, "no-cache"),
    pull: flag(context, "pull"),
    cacheFrom: list(context, "cache-from"),
    networkMode: text(context, "network"),
    extraHosts: list(context, "add-host"),
    limits: memory === undefined ? undefined : { memory },
    shmSize: bytesOption(context, "shm-size"),
    ulimits: list(context, "ulimit").map(ulimitOf),
    squash: flag(context, "squash"),
    gzip: flag(context, "compress"),
    forceRm: flag(context, "force-rm"),
    version: flag(context, "buildkit") ? 2 : undefined,
    platform: defaultPlatform(context),
  };
}

/** Reads `--build-arg KEY[=VALUE]`; without a value it is that of the environment. */
function buildArgs(context: CommandContext): Record<string, string | null> {
  return Object.fromEntries(
    list(context, "build-arg").map((pair) => {
      const at = pair.indexOf("=");
      if (at === 0) {
        throw new UsageError(`--build-arg takes KEY[=VALUE], not ${JSON.stringify(pair)}`);
      }
      if (at > 0) return [pair.slice(0, at), pair.slice(at + 1)];
      return [pair, process.env[pair] ?? null];
    }),
  );
}

/** What the letters behind a number of bytes stand for, as for the docker command. */
const UNITS: Readonly<Record<string, number>> = { "": 1, b: 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 };

function bytesOption(context: CommandContext, name: string): number | undefined {
  const value = text(context, name);
  if (value === undefined) return undefined;
  const [, digits, letter = ""] = /^(\d{1,12})([bkmg]?)$/i.exec(value) ?? [];
  if (digits === undefined) {
    throw new UsageError(
      `--${name} takes a number of bytes such as 512m, not ${JSON.stringify(value)}`,
    );
  }
  return Number(digits) * (UNITS[letter.toLowerCase()] ?? 1);
}

function ulimitOf(given: string): BuildUlimit {
  const [, name, soft, hard] = /^([a-z]+)=(-?\d{1,15})(?::(-?\d{1,15}))?$/.exec(given) ?? [];
  if (name === undefined) {
    throw new UsageError(`--ulimit takes NAME=SOFT[:HARD], not ${JSON.stringify(given)}`);
  }
  return { name, soft: Number(soft), hard: Number(hard ?? soft) };
}
