import process from "node:process";
import type { EngineFilters } from "../engine/query.ts";
import type { EngineEvent } from "../engine/events.ts";
import type { BuildEvent } from "../engine/build_events.ts";
import type { Operation } from "../bytes/operation.ts";
import type { Engine } from "../runtime/engine.ts";
import { bar } from "./_bar.ts";
import { type CommandContext, flag, list, type OptionSpecs, text, UsageError } from "./_command.ts";
import { DEBUG_OPTION, JSON_OPTION, requestLog } from "./_options.ts";
import { oneLine } from "./_plain_text.ts";

/** How often the display is drawn. */
const REDRAW_MS = 100;

/** The options that say which engine is meant. */
export const CONNECTION_OPTIONS: OptionSpecs = {
  host: {
    type: "string",
    short: "H",
    value: "ADDRESS",
    help: "the engine, as DOCKER_HOST names it (default: as the docker command finds it)",
  },
  context: {
    type: "string",
    value: "NAME",
    help: "the engine of this context of the docker command",
  },
  ...DEBUG_OPTION,
};

/** The options of commands that answer with more than bytes. */
export const ENGINE_OPTIONS: OptionSpecs = { ...CONNECTION_OPTIONS, ...JSON_OPTION };

/** The options of commands that take their time. */
export const ENGINE_PROGRESS_OPTIONS: OptionSpecs = {
  ...CONNECTION_OPTIONS,
  json: {
    type: "boolean",
    help: "answer in JSON; progress on stderr as a line of JSON for each event",
  },
};

/** The option that filters lists, and what is pruned. */
export const FILTER_OPTION: OptionSpecs = {
  filter: {
    type: "string",
    short: "f",
    isList: true,
    value: "KEY=VALUE",
    help: "a condition, as of the docker command; may be given several times",
  },
};

/** The option for one platform. */
export const ENGINE_PLATFORM_OPTION: OptionSpecs = {
  platform: { type: "string", value: "OS/ARCH[/VARIANT]", help: "choose this platform" },
};

/** The option for the platform of what an engine pulls or makes. */
export const DEFAULT_PLATFORM_OPTION: OptionSpecs = {
  platform: {
    type: "string",
    value: "OS/ARCH[/VARIANT]",
    help: "choose this platform (default: DOCKER_DEFAULT_PLATFORM, else the engine's)",
  },
};

/** Reads `--platform`, and what the docker command takes where it is not given. */
export function defaultPlatform(context: CommandContext): string | undefined {
  const { DOCKER_DEFAULT_PLATFORM = "" } = process.env;
  const platform = text(context, "platform") ?? DOCKER_DEFAULT_PLATFORM;
  return platform === "" ? undefined : platform;
}

/** Connects to the engine, and disconnects in the end. */
export async function withEngine<Result>(
  context: CommandContext,
  use: (engine: Engine) => Promise<Result>,
): Promise<Result> {
  // Most commands need no engine: its client is loaded where it is needed.
  const { Engine } = await import("../runtime/engine.ts");
  const engine = await Engine.connect({
    host: text(context, "host"),
    context: text(context, "context"),
    wrapTransport: requestLog(context),
    signal: context.signal,
  });
  try {
    return await use(engine);
  } finally {
    await engine.close();
  }
}

/** Reads `--filter KEY=VALUE`, several times. */
export function filtersOption(context: CommandContext): EngineFilters | undefined {
  const filters: Record<string, string[]> = {};
  for (const filter of list(context, "filter")) {
    const at = filter.indexOf("=");
    if (at < 1) throw new UsageError(`--filter takes KEY=VALUE, not ${JSON.stringify(filter)}`);
    (filters[filter.slice(0, at)] ??= []).push(filter.slice(at + 1));
  }
  return Object.keys(filters).length === 0 ? undefined : filters;
}

/** Writes a value as JSON without control characters: a line of a log stays one. */
function jsonLine(value: unknown): string {
  return JSON.stringify(value).replace(
    /\p{Cc}/gu,
    (control) => `\\u${control.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** Shows what an engine reports while it works, as the output wants it; gives the result. */
export async function showEngine<Result>(
  context: CommandContext,
  operation: Operation<Result, EngineEvent | BuildEvent>,
): Promise<Result> {
  const { output } = context;
  if (flag(context, "json")) {
    for await (const event of operation) output.note(jsonLine(event));
    return await operation;
  }
  const display = new EngineDisplay(output.progress === "display");
  const draw = (): void => output.show(display.lines());
  const timer = output.progress === "display" ? setInterval(draw, REDRAW_MS) : undefined;
  try {
    for await (const event of operation) {
      for (const line of display.add(event)) output.note(line);
    }
    return await operation;
  } finally {
    clearInterval(timer);
    output.show([]);
    for (const line of display.end()) output.note(line);
  }
}

/** What an engine does, as lines: those that stay, and those that change. */
class EngineDisplay {
  readonly #isLive: boolean;
  readonly #layers = new Map<string, string>();
  readonly #statuses = new Map<string, string>();
  #line = "";

  constructor(isLive: boolean) {
    this.#isLive = isLive;
  }

  /** Takes an event; gives the lines that are complete. */
  add(event: EngineEvent | BuildEvent): string[] {
    switch (event.type) {
      case "log":
        return this.#log(event.text);
      case "layer": {
        const { id, status, current, total } = event;
        const isCounted = current !== undefined && total !== undefined && total > 0;
        this.#layers.set(id, `${id}  ${status}${isCounted ? `  ${bar(current, total)}` : ""}`);
        if (this.#isLive || this.#statuses.get(id) === status) return [];
        this.#statuses.set(id, status);
        return [`${id}  ${status}`];
      }
      case "status": {
        const { id, text } = event;
        if (id !== undefined) this.#layers.delete(id);
        return [id === undefined ? text : `${id}  ${text}`];
      }
      case "step":
        return event.completedAt === undefined && !event.isCached
          ? []
          : [`#${event.number} ${event.name}${event.isCached ? "  cached" : ""}`];
      case "warning":
        return [`warning: ${event.text}`];
      default:
        return [];
    }
  }

  /** The lines that change. */
  lines(): string[] {
    return [...this.#layers.values()].map(oneLine);
  }

  /** The line that was not ended. */
  end(): string[] {
    return this.#log("\n");
  }

  #log(text: string): string[] {
    const lines = (this.#line + text).split(/\r?\n/);
    this.#line = lines.pop() ?? "";
    return lines.filter((line) => line !== "");
  }
}
