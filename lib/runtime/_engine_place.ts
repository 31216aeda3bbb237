import type { CallOptions, Source, Target } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import type { Platform } from "../model/platform.ts";
import type { FileSystem } from "../store/file_system.ts";
import type { EngineSource, EngineTarget } from "./engine.ts";
import type { ConnectOptions } from "./engine_connect.ts";
import { temporaryDirectory } from "./standard_input.ts";

/** How an engine is found, and where parts of its archives are put aside. */
export interface EnginePlaceOptions {
  readonly engine: ConnectOptions | undefined;
  readonly fileSystem: FileSystem;
}

/** A part of an engine that is connected to when it is first needed. */
interface Connected<Part> {
  readonly part: Part;
  platform(options?: CallOptions): Promise<Platform>;
  close(): Promise<void>;
}

/** Opens the images of an engine for reading. Nothing is sent before something is asked for. */
export function engineImages(
  { engine, fileSystem }: EnginePlaceOptions,
): {
  readonly content: Source;
  ownPlatform(options?: CallOptions): Promise<Platform>;
  close(): Promise<void>;
} {
  const temporary = { fileSystem, directory: temporaryDirectory() };
  const open = once(async (): Promise<Connected<EngineSource>> => {
    // Few places are engines: their client is loaded where it is needed.
    const { Engine, engineSource } = await import("./engine.ts");
    const connected = await Engine.connect(engine);
    const part = engineSource(connected, { temporary });
    return {
      part,
      platform: (options) => connected.platform(options),
      close: async () => void (await part.close(), await connected.close()),
    };
  });
  return {
    ownPlatform: async (options) => await (await open()).platform(options),
    content: {
      resolve: async (reference, options) => await (await open()).part.resolve(reference, options),
      exists: async (target, options) => await (await open()).part.exists(target, options),
      fetch: async (target, options) => await (await open()).part.fetch(target, options),
    },
    close: () => open.close(),
  };
}

/** Opens an engine for writing. It loads nothing before the commit. */
export function engineLoading(
  { engine }: EnginePlaceOptions,
): {
  readonly content: Target;
  ownPlatform(options?: CallOptions): Promise<Platform>;
  commit(options?: CallOptions): Promise<void>;
  close(): Promise<void>;
} {
  const open = once(async (): Promise<Connected<EngineTarget>> => {
    const { Engine, engineTarget } = await import("./engine.ts");
    const connected = await Engine.connect(engine);
    const part = engineTarget(connected);
    return {
      part,
      platform: (options) => part.platform(options),
      close: async () => void (await part.abort(), await connected.close()),
    };
  });
  return {
    ownPlatform: async (options) => await (await open()).platform(options),
    content: {
      resolve: async (reference, options) => await (await open()).part.resolve(reference, options),
      exists: async (target, options) => await (await open()).part.exists(target, options),
      fetch: async (target, options) => await (await open()).part.fetch(target, options),
      push: async (expected: Descriptor, content, options) =>
        await (await open()).part.push(expected, content, options),
      tag: async (target, reference, options) =>
        await (await open()).part.tag(target, reference, options),
    },
    commit: async (options) => void await (await open()).part.commit(options),
    close: () => open.close(),
  };
}

/** Opens at the first call, once; what was never opened has nothing to close. */
function once<Part>(
  connect: () => Promise<Connected<Part>>,
): (() => Promise<Connected<Part>>) & { close(): Promise<void> } {
  let opened: Promise<Connected<Part>> | undefined;
  const open = (): Promise<Connected<Part>> => opened ??= connect();
  const close = async (): Promise<void> => {
    const connected = await opened?.catch(() => undefined);
    await connected?.close();
  };
  return Object.assign(open, { close });
}
