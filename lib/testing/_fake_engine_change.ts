import type { ContainerConfig } from "../model/image_config.ts";
import {
  type Instruction,
  jsonList,
  parseInstruction,
  splitWords,
  wordsOf,
} from "./_fake_engine_dockerfile.ts";
import { Refusal } from "./_fake_engine_refusal.ts";

type Mutable = { -readonly [Key in keyof ContainerConfig]: ContainerConfig[Key] };

/** What `changes` of an import may be. */
const CHANGES: ReadonlySet<string> = new Set([
  "cmd",
  "entrypoint",
  "env",
  "expose",
  "label",
  "onbuild",
  "stopsignal",
  "user",
  "volume",
  "workdir",
]);

/** Changes a config by the instructions of an import. */
export function applyChanges(changes: readonly string[]): ContainerConfig {
  let config: ContainerConfig = {};
  for (const change of changes) {
    const instruction = parseInstruction(change.trim(), 1);
    if (!CHANGES.has(instruction.name)) {
      throw new Refusal(400, `${instruction.name} is not a valid change command`);
    }
    config = changedConfig(config, instruction);
  }
  return config;
}

/** Changes a config by one instruction that makes no layer. */
export function changedConfig(config: ContainerConfig, instruction: Instruction): ContainerConfig {
  const { name, rest } = instruction;
  const next: Mutable = { ...config };
  switch (name) {
    case "cmd":
      next.Cmd = commandOf(rest, config.Shell);
      break;
    case "entrypoint":
      next.Entrypoint = commandOf(rest, config.Shell);
      delete next.Cmd;
      break;
    case "env":
      next.Env = withVariables(config.Env ?? [], pairsOf(rest));
      break;
    case "label":
      next.Labels = { ...config.Labels, ...Object.fromEntries(pairsOf(rest)) };
      break;
    case "expose":
      next.ExposedPorts = {
        ...config.ExposedPorts,
        ...keys(splitWords(rest).map((port) => port.includes("/") ? port : `${port}/tcp`)),
      };
      break;
    case "volume":
      next.Volumes = { ...config.Volumes, ...keys(wordsOf(rest)) };
      break;
    case "workdir":
      next.WorkingDir = joinPath(config.WorkingDir ?? "/", rest);
      break;
    case "user":
      next.User = rest;
      break;
    case "stopsignal":
      next.StopSignal = rest;
      break;
    case "onbuild":
      next.OnBuild = [...config.OnBuild ?? [], rest];
      break;
    case "shell":
      next.Shell = jsonList(rest) ?? splitWords(rest);
      break;
    default:
      throw new Refusal(501, `The fake engine does not know ${name.toUpperCase()}`);
  }
  return next;
}

/** A path of a container: as it is, or below another one. */
export function joinPath(base: string, path: string): string {
  const parts: string[] = [];
  for (const part of (path.startsWith("/") ? path : `${base}/${path}`).split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return `/${parts.join("/")}`;
}

function commandOf(rest: string, shell: readonly string[] = ["/bin/sh", "-c"]): string[] {
  return jsonList(rest) ?? [...shell, rest];
}

/** The pairs of `ENV` and `LABEL`: `a=b c="d e"`, or the old `a b c`. */
function pairsOf(rest: string): (readonly [string, string])[] {
  const words = splitWords(rest);
  if (words[0]?.includes("=") !== true) {
    const [, name = rest, value = ""] = /^(\S+)\s+([\s\S]*)$/.exec(rest) ?? [];
    return [[name, value]];
  }
  return words.map((word) => {
    const at = word.indexOf("=");
    return at < 0 ? [word, ""] : [word.slice(0, at), word.slice(at + 1)];
  });
}

function withVariables(
  env: readonly string[],
  pairs: readonly (readonly [string, string])[],
): string[] {
  const variables = new Map([...variablesOf(env), ...pairs]);
  return [...variables].map(([name, value]) => `${name}=${value}`);
}

/** The environment of a config, by names. */
export function variablesOf(env: readonly string[] = []): Map<string, string> {
  return new Map(env.map((text) => {
    const at = text.indexOf("=");
    return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
  }));
}

function keys(names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(names.map((name) => [name, {}]));
}
