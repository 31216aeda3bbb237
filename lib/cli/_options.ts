import { readFileSync } from "node:fs";
import process from "node:process";
import type { ImageFormat } from "../model/image_format.ts";
import type { Platform } from "../model/platform.ts";
import { parsePlatform } from "../model/parse_platform.ts";
import type { RegistryEvent } from "../registry/events.ts";
import type { Mirror, Mirrors } from "../registry/mirrors.ts";
import type { Transport } from "../model/transport.ts";
import type { OpenOptions } from "../runtime/open.ts";
import { hostTransport } from "../runtime/host_transport.ts";
import { tlsTransport } from "../runtime/tls_transport.ts";
import { type CommandContext, flag, list, type OptionSpecs, text, UsageError } from "./_command.ts";
import { CREDENTIALS_OPTION, credentialsOption, type RegistrySide } from "./_credentials_option.ts";
import { withHostCertificates } from "./_host_certificates.ts";
import { holdsPEM } from "./_pem.ts";
import { withRequestLog } from "./_request_log.ts";

/** Options that every command has. */
export const COMMON_OPTIONS: OptionSpecs = {
  quiet: { type: "boolean", short: "q", help: "write nothing to stderr but errors" },
  help: { type: "boolean", short: "h", help: "show the help of the command" },
};

/** The option that shows what is asked; skopeo, oras and docker call it so. */
export const DEBUG_OPTION: OptionSpecs = {
  debug: { type: "boolean", help: "write every request to stderr, without secrets" },
};

/** The options of commands that may speak to registries. */
export const REGISTRIES_OPTION: OptionSpecs = {
  "plain-http": { type: "boolean", help: "speak http with registries that are not on loopback" },
  "ca-cert": {
    type: "string",
    value: "FILE",
    help: "trust this authority of registries too (PEM)",
  },
  "client-cert": {
    type: "string",
    value: "FILE",
    help: "show this certificate to registries (PEM)",
  },
  "client-key": { type: "string", value: "FILE", help: "the private key of the certificate (PEM)" },
  insecure: { type: "boolean", help: "take any certificate of a registry" },
  "allowed-realm": {
    type: "string",
    isList: true,
    value: "ORIGIN",
    help: "trust this token server, also on http or a private address",
  },
  ...DEBUG_OPTION,
};

/** The options of commands that may speak to one. */
export const REGISTRY_OPTION: OptionSpecs = { ...CREDENTIALS_OPTION, ...REGISTRIES_OPTION };

/** The option of commands that read images of registries. */
export const MIRROR_OPTION: OptionSpecs = {
  mirror: {
    type: "string",
    isList: true,
    value: "[REGISTRY=]LOCATION[@digests]",
    help: "read from this mirror first (of docker.io), or digests alone (default: LADING_MIRRORS)",
  },
};

/** What `LADING_MIRRORS` and `--mirror` mean a mirror of where they say nothing, as dockerd does. */
const MIRRORED = "docker.io";

/** What stands behind a mirror that is not asked what a tag stands for. */
const DIGESTS_ONLY = "@digests";

/** The option that chooses one image of an index. */
export const PLATFORM_OPTION: OptionSpecs = {
  platform: {
    type: "string",
    value: "OS/ARCH[/VARIANT]",
    help: "choose this platform (default: the machine's, on Linux)",
  },
};

/** The option that asks for JSON. */
export const JSON_OPTION: OptionSpecs = {
  json: { type: "boolean", help: "answer in JSON" },
};

/** The option that bounds how much is moved at once. */
export const JOBS_OPTION: OptionSpecs = {
  jobs: { type: "string", short: "j", value: "N", help: "move N blobs at once (default 3)" },
};

/** The option that converts what is copied. */
export const FORMAT_OPTION: OptionSpecs = {
  format: {
    type: "string",
    value: "oci|docker",
    help: "write manifests in this format; digests change (default: all stay)",
  },
};

/** Reads how places are to be opened, and who logs in there. */
export function openOptions(
  context: CommandContext,
  side: RegistrySide = "source",
): OpenOptions {
  const certified = certificateTransport(context);
  const transport = certified ?? withHostCertificates(hostTransport());
  const log = requestLog(context);
  return {
    signal: context.signal,
    // Who names certificates does not mean http, on loopback neither.
    plainHTTP: flag(context, "plain-http") ? true : certified === undefined ? undefined : false,
    transport: log?.(transport) ?? transport,
    credentials: credentialsOption(context, side),
    engine: { wrapTransport: log },
    mirrors: mirrorsOption(context),
    allowedRealms: list(context, "allowed-realm").map(originOf),
    onEvent: (event) => tell(event, context),
  };
}

/** Reads `--mirror`, or what stands for it in the environment. */
function mirrorsOption(context: CommandContext): Mirrors | undefined {
  const given = list(context, "mirror");
  const kept = (process.env["LADING_MIRRORS"] ?? "").split(",").map((item) => item.trim());
  const mirrors = new Map<string, Mirror[]>();
  for (const item of given.length > 0 ? given : kept.filter(Boolean)) {
    const equals = item.indexOf("=");
    const registry = equals < 0 ? MIRRORED : item.slice(0, equals);
    const isPartial = item.endsWith(DIGESTS_ONLY);
    const mirror: Mirror = {
      location: item.slice(equals + 1, isPartial ? -DIGESTS_ONLY.length : undefined),
      use: isPartial ? "digests" : "all",
    };
    mirrors.set(registry, [...mirrors.get(registry) ?? [], mirror]);
  }
  return mirrors.size === 0 ? undefined : Object.fromEntries(mirrors);
}

/** Reads `--debug`: what writes down the requests of a transport. */
export function requestLog(
  context: CommandContext,
): ((transport: Transport) => Transport) | undefined {
  if (!flag(context, "debug")) return undefined;
  return (transport) => withRequestLog(transport, (line) => context.output.note(line));
}

function originOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && /^https?:$/.test(url.protocol) && url.href === `${url.origin}/`) {
    return url.origin;
  }
  throw new UsageError(
    `--allowed-realm takes an origin such as https://auth.example, not ${JSON.stringify(text)}`,
  );
}

/** The certificates that were named; `undefined` leaves it to the runtime. */
function certificateTransport(context: CommandContext): Transport | undefined {
  const pem = (name: string): string | undefined => {
    const path = text(context, name);
    return path === undefined ? undefined : readPEM(path, name);
  };
  const [ca, cert, key] = [pem("ca-cert"), pem("client-cert"), pem("client-key")];
  if ((cert === undefined) !== (key === undefined)) {
    throw new UsageError("--client-cert and --client-key go together");
  }
  const verify = !flag(context, "insecure");
  if (verify && ca === undefined && cert === undefined) return undefined;
  if (!verify) context.output.warn("the certificates of registries are not verified");
  return tlsTransport({ ca, cert, key, verify });
}

function readPEM(path: string, name: string): string {
  const pem = readText(path, name);
  const what = name === "client-key" ? "private key" : "certificate";
  if (!holdsPEM(pem, what)) throw new UsageError(`--${name}: ${path} has no ${what} in PEM`);
  return pem;
}

function readText(path: string, name: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new UsageError(`--${name}: ${path} cannot be read`, { cause });
  }
}

function tell(event: RegistryEvent, context: CommandContext): void {
  const { registry } = event;
  const { output } = context;
  const isDebugged = flag(context, "debug");
  if (event.type === "warning") output.warn(`${registry}: ${event.text}`);
  // Who watches wants to know what is waited for; a log does not need it.
  if (event.type === "retry" && (isDebugged || output.progress !== "none")) {
    output.note(`${registry}: ${event.reason}; again in ${(event.delayMs / 1000).toFixed(1)} s`);
  }
  if (event.type === "fallback" && isDebugged) output.note(`${registry}: ${event.reason}`);
}

/** Reads `--platform`; `undefined` when it was not given. */
export function platformOption(context: CommandContext): Platform | undefined {
  const value = text(context, "platform");
  return value === undefined ? undefined : parsePlatform(value);
}

/** Reads `--platform` where `all` stands for every platform. */
export function platformsOption(context: CommandContext): Platform | "all" | undefined {
  return text(context, "platform") === "all" ? "all" : platformOption(context);
}

/** Reads `--jobs`. */
export function jobsOption(context: CommandContext): number | undefined {
  const value = text(context, "jobs");
  if (value === undefined) return undefined;
  if (!/^[1-9][0-9]{0,2}$/.test(value)) {
    throw new UsageError(`--jobs takes a number from 1 to 999, not ${JSON.stringify(value)}`);
  }
  return Number(value);
}

/** Reads an option of pairs: `--label KEY=VALUE`, several times. */
export function pairsOption(
  context: CommandContext,
  name: string,
): Readonly<Record<string, string>> | undefined {
  const pairs = list(context, name).map((pair): [string, string] => {
    const at = pair.indexOf("=");
    if (at > 0) return [pair.slice(0, at), pair.slice(at + 1)];
    throw new UsageError(`--${name} takes KEY=VALUE, not ${JSON.stringify(pair)}`);
  });
  return pairs.length === 0 ? undefined : Object.fromEntries(pairs);
}

/** Reads `--format`. */
export function formatOption(context: CommandContext): ImageFormat | undefined {
  const value = text(context, "format");
  if (value === undefined || value === "oci" || value === "docker") return value;
  throw new UsageError(`--format takes oci or docker, not ${JSON.stringify(value)}`);
}
