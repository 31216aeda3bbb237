import type { BuildError } from "../model/errors.ts";
import type { BuildLimits, BuildOptions } from "./build_options.ts";
import { BuildSessionError } from "./build_session_error.ts";
import type { EngineFeature } from "./engine_call.ts";
import { tagName } from "./names.ts";
import { type EngineQuery, platformText } from "./query.ts";

type Option = keyof BuildOptions;

/** What older engines would ignore in silence. */
const FEATURES: readonly (EngineFeature & { readonly option: Option })[] = [
  { option: "shmSize", since: "1.22", name: "the size of /dev/shm" },
  { option: "labels", since: "1.23", name: "setting labels" },
  { option: "isolation", since: "1.24", name: "isolation" },
  { option: "cacheFrom", since: "1.25", name: "taking layers of images from the cache" },
  { option: "networkMode", since: "1.25", name: "choosing the network" },
  { option: "squash", since: "1.25", name: "squashing" },
  { option: "extraHosts", since: "1.27", name: "adding names of hosts" },
  { option: "target", since: "1.29", name: "choosing a stage" },
  { option: "platform", since: "1.32", name: "choosing a platform" },
  { option: "version", since: "1.39", name: "choosing the builder" },
  { option: "outputs", since: "1.40", name: "choosing the output" },
];

/** What BuildKit ignores in silence. */
const CLASSIC: readonly Option[] = ["limits", "cgroupParent", "isolation", "squash"];

/** Outputs that end up on the engine, as an image with an ID. */
const IMAGE_OUTPUTS: ReadonlySet<string> = new Set(["moby", "image"]);

/** Lists what a build needs of the engine. */
export function featuresOf(options: BuildOptions): readonly EngineFeature[] {
  return FEATURES.filter(({ option }) => isAsked(options[option]));
}

function isAsked(value: unknown): boolean {
  if (value === undefined || value === false) return false;
  return typeof value !== "object" || value === null || Object.keys(value).length > 0;
}

/** The names that the image gets. */
export function tagsOf({ tags = [] }: BuildOptions): readonly string[] {
  const all = typeof tags === "string" ? [tags] : tags;
  for (const tag of all) tagName(tag);
  return all;
}

/**
 * Checks what can be checked before anything is sent.
 *
 * @throws {TypeError} when options contradict each other, or are none.
 * @throws {BuildSessionError} when BuildKit would need a session for them.
 */
export function checkOptions(options: BuildOptions): void {
  const { version, outputs = [], credentials, registries } = options;
  if (version !== undefined && version !== 1 && version !== 2) {
    throw new TypeError(`Cannot build: there is no builder ${JSON.stringify(version)}`);
  }
  for (const { type } of outputs) {
    if (IMAGE_OUTPUTS.has(type)) continue;
    const shown = JSON.stringify(type);
    if (type === "cacheonly") throw new TypeError("Cannot build: without an image as its output");
    throw needsSession(`Cannot build: the output ${shown} comes back over a session of BuildKit`);
  }
  if (outputs.length > 1) throw new TypeError("Cannot build: BuildKit takes one output only");
  if (version !== 2) {
    if (outputs.length > 0) throw new TypeError("Cannot build: outputs are for version 2 only");
    return;
  }
  const ignored = CLASSIC.filter((option) => isAsked(options[option]));
  if (ignored.length > 0) {
    throw new TypeError(`Cannot build: BuildKit ignores ${ignored.join(", ")}; leave it out`);
  }
  if (isAsked(credentials) || isAsked(registries)) {
    throw needsSession("Cannot build: BuildKit takes credentials over a session only");
  }
}

function needsSession(why: string): BuildError {
  return new BuildSessionError(
    `${why}, which plain HTTP has not; pull the images before, or build with version 1`,
    { status: 0, endpoint: "POST /build", log: "" },
  );
}

/** What of the query is no option. */
export interface QueryContext {
  readonly remote: string | undefined;
  readonly dockerfile: string | undefined;
  readonly buildArgs: Readonly<Record<string, string | null>>;
}

/** Writes the query of a build. */
export function buildQuery(options: BuildOptions, context: QueryContext): EngineQuery {
  const { limits = {}, outputs = [], ulimits = [] } = options;
  return {
    t: tagsOf(options),
    remote: context.remote,
    dockerfile: context.dockerfile,
    q: options.quiet,
    nocache: options.noCache,
    rm: options.rm,
    forcerm: options.forceRm,
    pull: options.pull,
    buildargs: json(named("buildArgs", context.buildArgs, ARGUMENT_REGEXP)),
    labels: json(named("labels", options.labels ?? {}, /\S/)),
    cachefrom: json(
      (options.cacheFrom ?? []).map((image) => filled("an image of cacheFrom", image)),
    ),
    extrahosts: hostsOf(options.extraHosts ?? []),
    ulimits: json(ulimits.map(({ name, soft, hard }) => ({
      Name: filled("the name of a ulimit", name),
      Hard: whole("hard", hard, -1),
      Soft: whole("soft", soft, -1),
    }))),
    securityopt: options.securityOptions,
    target: options.target,
    platform: platformText(options.platform),
    networkmode: options.networkMode,
    isolation: options.isolation,
    cgroupparent: options.cgroupParent,
    squash: options.squash,
    shmsize: options.shmSize === undefined ? undefined : whole("shmSize", options.shmSize, 0),
    version: options.version,
    outputs: json(outputs.map(({ type, attributes = {} }) => ({ Type: type, Attrs: attributes }))),
    ...limitsOf(limits),
  };
}

/** What no name of an argument has: builders would take such for another one. */
const ARGUMENT_REGEXP = /^[^=\s\p{Cc}]+$/u;

/** Checks names and texts: builders pass over what is none. */
function named<Value extends string | null>(
  option: string,
  values: Readonly<Record<string, Value>>,
  nameRegExp: RegExp,
): Readonly<Record<string, Value>> {
  for (const [name, value] of Object.entries(values)) {
    if (nameRegExp.test(name) && (typeof value === "string" || value === null)) continue;
    throw new TypeError(
      `Cannot build: ${JSON.stringify(name)} in ${option} has no name or no text`,
    );
  }
  return values;
}

function json(value: object): string | undefined {
  return Object.keys(value).length === 0 ? undefined : JSON.stringify(value);
}

function hostsOf(hosts: NonNullable<BuildOptions["extraHosts"]>): readonly string[] {
  const lines = Array.isArray(hosts)
    ? hosts as readonly string[]
    : Object.entries(hosts).map(([name, address]) => `${name}:${address}`);
  for (const line of lines) {
    if (/^[^\s:=]+[:=]\S+$/.test(line)) continue;
    throw new TypeError(
      `Cannot build: ${JSON.stringify(line)} is no host; it is written as name:address`,
    );
  }
  return lines;
}

/** What is a list of processors or nodes; everything else is a number. */
const LISTS: ReadonlySet<string> = new Set(["cpuSetCpus", "cpuSetMems"]);

const LIMITS: Readonly<Record<keyof BuildLimits, string>> = {
  memory: "memory",
  memorySwap: "memswap",
  cpuShares: "cpushares",
  cpuQuota: "cpuquota",
  cpuPeriod: "cpuperiod",
  cpuSetCpus: "cpusetcpus",
  cpuSetMems: "cpusetmems",
};

function limitsOf(limits: BuildLimits): EngineQuery {
  const found: Record<string, string | number> = {};
  for (const [name, value] of Object.entries<unknown>({ ...limits })) {
    const parameter = Object.hasOwn(LIMITS, name) ? LIMITS[name as keyof BuildLimits] : undefined;
    if (parameter === undefined) {
      throw new TypeError(`Cannot build: there is no limit ${JSON.stringify(name)}`);
    }
    if (value === undefined) continue;
    found[parameter] = LISTS.has(name)
      ? filled(name, value)
      // Engines take what is no number for no limit.
      : whole(name, value, name === "memorySwap" ? -1 : 0);
  }
  return found;
}

function whole(name: string, value: unknown, least: number): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= least) return value;
  throw new RangeError(`Cannot build: ${name} is no whole number of at least ${least}`);
}

function filled(name: string, value: unknown): string {
  if (typeof value === "string" && value.trim() !== "") return value;
  throw new TypeError(`Cannot build: ${name} is no text, or an empty one`);
}
