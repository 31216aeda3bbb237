import { readAll } from "../bytes/read_all.ts";
import { digestBytes } from "../hash/digest_bytes.ts";
import type { ByteStream } from "../model/bytes.ts";
import type { ContainerConfig, HistoryEntry } from "../model/image_config.ts";
import type { Platform } from "../model/platform.ts";
import type { Reference } from "../model/reference.ts";
import { MAX_ARCHIVE_BYTES } from "./_fake_engine_archive.ts";
import { changedConfig, joinPath, variablesOf } from "./_fake_engine_change.ts";
import { type ContextEntry, layerOf, readContext } from "./_fake_engine_context.ts";
import {
  expand,
  type Instruction,
  jsonList,
  parseDockerfile,
  splitWords,
} from "./_fake_engine_dockerfile.ts";
import { type FakeImages, type NewLayer, plainLayer } from "./_fake_engine_images.ts";
import { parseName, shownName } from "./_fake_engine_names.ts";
import { isTrue, parseObject } from "./_fake_engine_query.ts";
import { Refusal } from "./_fake_engine_refusal.ts";
import { failure, type Messages, shortID } from "./_fake_engine_reply.ts";

/** A Dockerfile is a text that people write. */
const MAX_DOCKERFILE_BYTES = 1024 * 1024;

/** A build that was asked for. */
export interface Build {
  readonly query: URLSearchParams;
  readonly body: ByteStream;
  readonly platform: Platform;
  readonly now: () => Date;
  /** Downloads what a URL names. */
  readonly download: (url: URL) => Promise<ByteStream>;
  /** Pulls an image that a stage begins with. */
  readonly pull: (reference: Reference) => Messages;
}

/** What a stage has come to. */
interface Stage {
  readonly name: string;
  readonly id: string | undefined;
  readonly config: ContainerConfig;
  readonly layers: readonly NewLayer[];
  readonly history: readonly HistoryEntry[];
  /** Values of `ARG`. */
  readonly args: ReadonlyMap<string, string>;
}

/** Builds an image with what the classic builder does without containers. */
export async function* buildImage(images: FakeImages, build: Build): Messages {
  const { query, now } = build;
  const version = query.get("version") ?? "1";
  if (version === "2") throw new Refusal(501, "The fake engine has no BuildKit; use version 1");
  if (version !== "1" && version !== "") throw new Refusal(500, `invalid version "${version}"`);
  const tags = query.getAll("t").filter((tag) => tag !== "").map((tag) => parseName(tag, 500));
  const args = readArguments(query.get("buildargs") ?? "");
  const labels = stringsOf(query.get("labels") ?? "");
  const remote = query.get("remote") ?? "";
  const path = query.get("dockerfile") || "Dockerfile";
  const context = await contextOf(build, remote, path);
  const file = context.get(joinPath("/", path).slice(1));
  if (file?.bytes === undefined || file.bytes.length > MAX_DOCKERFILE_BYTES) {
    throw new Refusal(500, `Cannot locate specified Dockerfile: ${path}`);
  }
  let instructions = parseDockerfile(new TextDecoder().decode(file.bytes), path);
  const target = query.get("target") ?? "";
  if (target !== "") instructions = upTo(instructions, target);
  if (Object.keys(labels).length > 0) {
    const words = Object.entries(labels).map(([key, value]) =>
      `${JSON.stringify(key)}=${JSON.stringify(value)}`
    ).join(" ");
    const text = `LABEL ${words.replaceAll('"', "")}`;
    instructions.push({ name: "label", rest: words, flags: new Map(), text });
  }
  const isQuiet = isTrue(query, "q");
  if (remote !== "") yield* [{ status: "Downloading context" }, {}];
  const stages: Stage[] = [];
  let stage: Stage | undefined;
  let globals = new Map<string, string>();
  for (const [i, instruction] of instructions.entries()) {
    const { name, rest, text } = instruction;
    if (!isQuiet) {
      yield { stream: `Step ${i + 1}/${instructions.length} : ${text}` };
      yield { stream: "\n" };
    }
    if (name === "from") {
      stage = yield* from(images, build, expand(rest, globals), isQuiet);
      stages.push(stage);
      if (!isQuiet) {
        yield { stream: ` ---\u003e ${stage.id === undefined ? "" : shortID(stage.id)}\n` };
      }
      continue;
    }
    if (stage === undefined) {
      if (name === "arg") globals = new Map([...globals, ...argumentOf(rest, args)]);
      continue;
    }
    const next: Stage = await step(images, build, stage, instruction, { context, args });
    if (!isQuiet) yield* said(instruction, next.id ?? "");
    stage = next;
  }
  const id = stage?.id;
  if (id === undefined || stage?.history.length === 0) {
    return yield failure("No image was generated. Is your Dockerfile empty?");
  }
  if (isQuiet) yield { stream: `${id}\n` };
  else yield* [{ aux: { ID: id } }, { stream: `Successfully built ${shortID(id)}\n` }];
  for (const tag of tags) {
    await images.tag(id, tag, now());
    if (!isQuiet) yield { stream: `Successfully tagged ${shownName(tag)}\n` };
  }
}

function* said({ name }: Instruction, id: string): Generator<Record<string, unknown>> {
  if (name !== "copy" && name !== "add") {
    const container = shortID(digestBytes("sha256", new TextEncoder().encode(`container ${id}`)));
    yield { stream: ` ---\u003e Running in ${container}\n` };
    yield { stream: `Removing intermediate container ${container}\n` };
  }
  yield { stream: ` ---\u003e ${shortID(id)}\n` };
}

async function contextOf(
  { body, download }: Build,
  remote: string,
  path: string,
): Promise<ReadonlyMap<string, ContextEntry>> {
  const limits = { maxBytes: MAX_ARCHIVE_BYTES, what: "the context" };
  if (remote === "") return await readContext(await readAll(body, limits));
  const isArchive = /^https?:\/\//.test(remote) && !/\.git(?:#.*)?$/.test(remote);
  if (!isArchive || !URL.canParse(remote)) {
    throw new Refusal(500, `remoteURL (${remote}) could not be recognized as URL`);
  }
  const bytes = await readAll(await download(new URL(remote)), limits);
  try {
    return await readContext(bytes);
  } catch {
    // What is no archive is a Dockerfile.
    const entry: ContextEntry = { type: "file", mode: 0o644, mtime: 0, bytes };
    return new Map([[joinPath("/", path).slice(1), entry]]);
  }
}

function upTo(instructions: readonly Instruction[], target: string): Instruction[] {
  const starts = instructions.flatMap(({ name, rest }, i) => name === "from" ? [{ rest, i }] : []);
  const at = starts.findIndex(({ rest }, i) => stageName(rest) === target || String(i) === target);
  if (at < 0) throw new Refusal(400, `failed to reach build target ${target} in Dockerfile`);
  return instructions.slice(0, starts[at + 1]?.i);
}

function stageName(rest: string): string {
  return /\sas\s+(\S+)$/i.exec(rest)?.[1]?.toLowerCase() ?? "";
}

async function* from(
  images: FakeImages,
  build: Build,
  rest: string,
  isQuiet: boolean,
): AsyncGenerator<Record<string, unknown>, Stage, undefined> {
  const [base = ""] = splitWords(rest);
  const empty: Stage = {
    name: stageName(rest),
    id: undefined,
    config: {},
    layers: [],
    history: [],
    args: new Map(),
  };
  if (base === "scratch") return empty;
  let image = await images.find(base).catch(() => undefined);
  if (image === undefined || isTrue(build.query, "pull")) {
    for await (const message of build.pull(parseName(base, 500))) if (!isQuiet) yield message;
    image = await images.find(base);
  }
  const layers: NewLayer[] = [];
  for (const layer of image.layers) layers.push(plainLayer(await images.tarOf(layer)));
  const { config = {}, history = [] } = image.config;
  return { ...empty, id: image.id, config, layers, history };
}

interface StepInput {
  readonly context: ReadonlyMap<string, ContextEntry>;
  readonly args: ReadonlyMap<string, string | null>;
}

async function step(
  images: FakeImages,
  build: Build,
  stage: Stage,
  instruction: Instruction,
  { context, args }: StepInput,
): Promise<Stage> {
  const { name, text } = instruction;
  if (name === "run") {
    throw new Error(`The fake engine runs no containers, so it cannot ${text}`);
  }
  const values = new Map([...stage.args, ...variablesOf(stage.config.Env)]);
  // Commands are expanded by the shell that runs them.
  const isCommand = name === "cmd" || name === "entrypoint" || name === "shell";
  const rest = isCommand ? instruction.rest : expand(instruction.rest, values);
  if (name === "arg") {
    const known = new Map([...stage.args, ...argumentOf(rest, args)]);
    return await commit(images, build, { ...stage, args: known }, `/bin/sh -c #(nop)  ${text}`);
  }
  if (name === "copy" || name === "add") {
    if (instruction.flags.has("from")) {
      throw new Error("The fake engine copies from the context only, not from other stages");
    }
    const words = jsonList(rest) ?? splitWords(rest);
    const tar = await layerOf({
      context,
      sources: words.slice(0, -1),
      target: words.at(-1) ?? "",
      workingDir: stage.config.WorkingDir ?? "/",
      verb: name === "add" ? "ADD" : "COPY",
      owner: instruction.flags.get("chown"),
      download: build.download,
    });
    const what = digestBytes("sha256", tar).slice("sha256:".length);
    const command = `/bin/sh -c #(nop) ${name.toUpperCase()} file:${what} in ${words.at(-1)} `;
    return await commit(images, build, stage, command, plainLayer(tar));
  }
  if (name === "maintainer") {
    return await commit(images, build, stage, `/bin/sh -c #(nop)  ${text}`);
  }
  const config = changedConfig(stage.config, { ...instruction, rest });
  return await commit(images, build, { ...stage, config }, `/bin/sh -c #(nop)  ${text}`);
}

async function commit(
  images: FakeImages,
  { platform, now }: Build,
  stage: Stage,
  command: string,
  layer?: NewLayer,
): Promise<Stage> {
  const created = now().toISOString();
  const layers = layer === undefined ? stage.layers : [...stage.layers, layer];
  const entry: HistoryEntry = {
    created,
    created_by: command,
    ...(layer === undefined ? { empty_layer: true } : {}),
  };
  const history = [...stage.history, entry];
  const document = {
    architecture: platform.architecture,
    ...(platform.variant === undefined ? {} : { variant: platform.variant }),
    config: stage.config,
    container_config: {
      ...stage.config,
      Cmd: ["/bin/sh", "-c", command.slice("/bin/sh -c ".length)],
    },
    created,
    docker_version: "20.10.24+dfsg1",
    history,
    os: platform.os,
    rootfs: { type: "layers", diff_ids: layers.map(({ bytes }) => digestBytes("sha256", bytes)) },
  };
  const raw = new TextEncoder().encode(JSON.stringify(document));
  const id = await images.add(raw, layers, stage.id);
  return { ...stage, id, layers, history };
}

/** The values that a build was given; `null` stands for none. */
function readArguments(text: string): Map<string, string | null> {
  try {
    const values = text === "" ? {} : parseObject(text);
    return new Map(
      Object.entries(values).map(([name, value]) => [
        name,
        value === null ? null : String(value),
      ]),
    );
  } catch (error) {
    throw error instanceof Refusal
      ? new Refusal(400, `error reading build args: ${error.message}`)
      : error;
  }
}

function stringsOf(text: string): Readonly<Record<string, string>> {
  const values = text === "" ? {} : parseObject(text);
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, String(value)]));
}

/** What `ARG name=default` declares: the value that was given, or the default. */
function argumentOf(
  rest: string,
  given: ReadonlyMap<string, string | null>,
): (readonly [string, string])[] {
  return splitWords(rest).flatMap((word) => {
    const at = word.indexOf("=");
    const name = at < 0 ? word : word.slice(0, at);
    const value = given.get(name) ?? (at < 0 ? undefined : word.slice(at + 1));
    return value === undefined ? [] : [[name, value] as const];
  });
}
