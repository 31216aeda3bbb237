import { type Operation, startOperation } from "../bytes/operation.ts";
import { BuildError, type EngineErrorOptions } from "../model/errors.ts";
import { isJSONObject } from "../model/json_object.ts";
import { redactText } from "../model/redact.ts";
import { registryConfig } from "./_build_credentials.ts";
import type { BuildContext } from "./build_context.ts";
import { type BuildEvent, buildEventKey } from "./build_events.ts";
import { BuildLog } from "./_build_log.ts";
import type { BuildOptions } from "./build_options.ts";
import { buildQuery, checkOptions, featuresOf, tagsOf } from "./_build_query.ts";
import { BuildSessionError, isAboutSession } from "./build_session_error.ts";
import { BuildSteps } from "./_build_steps.ts";
import { checkContext } from "./_context_check.ts";
import { openContext } from "./_context_open.ts";
import type { EngineCall } from "./engine_call.ts";
import type { EngineClient } from "./engine_client.ts";
import { eventOf } from "./events.ts";
import { type EngineImage, getImage } from "./image.ts";
import type { EngineMessage } from "./message.ts";
import { textField } from "./_fields.ts";

const TRACE_ID = "moby.buildkit.trace";

/** What engines of before API 1.30 say last, and quiet builds say only; those of podman bare. */
const BUILT_REGEXP = /^(?:Successfully built ([0-9a-f]+)|((?:sha256:)?[0-9a-f]{64}))\s*$/;

/** Builds an image. */
export function buildImage(
  client: EngineClient,
  context: BuildContext,
  options: BuildOptions = {},
): Operation<EngineImage, BuildEvent> {
  checkContext(context, options);
  checkOptions(options);
  const proxies = options.useConfigProxy === false ? {} : client.proxyArguments;
  const buildArgs = { ...proxies, ...options.buildArgs };
  // What is wrong with an option is told before the context is looked at.
  buildQuery(options, { remote: undefined, dockerfile: undefined, buildArgs });
  const action = `build ${nameOf(context, options)}`;
  return startOperation<EngineImage, BuildEvent>(async ({ emit, signal }) => {
    const isBuildKit = options.version === 2;
    const opened = await openContext(context, {
      ...options,
      isBuildKit,
      files: client.files,
      openFile: client.openFile,
      signal,
    });
    try {
      for (const feature of featuresOf(options)) await client.require(feature, action, { signal });
      const { remote, dockerfile, body, content } = opened;
      const config = isBuildKit
        ? undefined
        : await registryConfig(client, { options, content, buildArgs, signal, emit });
      const progress = new BuildProgress(emit);
      const call: EngineCall = {
        action,
        method: "POST",
        path: "/build",
        query: buildQuery(options, { remote, dockerfile, buildArgs }),
        headers: config === undefined ? {} : { "x-registry-config": config },
        body: body === undefined ? undefined : { type: "application/x-tar", content: body },
        makeError: (message, data) => failureOf(message, data, progress.log.text),
        idleTimeoutMs: options.idleTimeoutMs,
        signal,
      };
      for await (const message of client.messages(call)) progress.take(message);
      const failure = opened.failure();
      if (failure !== undefined) throw failure;
      return await getImage(client, idOf(call, progress), { signal });
    } catch (error) {
      // Transports say of a context that broke off that there was no answer.
      throw opened.failure() ?? error;
    } finally {
      await opened.close();
    }
  }, { signal: options.signal, coalesce: buildEventKey });
}

/** Names what is built, for messages. */
function nameOf(context: BuildContext, options: BuildOptions): string {
  const [tag] = tagsOf(options);
  if (tag !== undefined) return JSON.stringify(tag);
  if (typeof context === "string") return JSON.stringify(redactText(context));
  return "an image";
}

function failureOf(message: string, options: EngineErrorOptions, log: string): BuildError {
  const isSession = isAboutSession(options.said ?? "");
  return isSession
    ? new BuildSessionError(
      `${message}; BuildKit needs a session for that, which plain HTTP has not: pull the images ` +
        "before, or build with version 1",
      { ...options, log },
    )
    : new BuildError(message, { ...options, log });
}

function idOf(call: EngineCall, { id, log }: BuildProgress): string {
  if (id !== undefined) return id;
  throw new BuildError(`Cannot ${call.action}: the engine does not tell the ID of the image`, {
    status: 200,
    endpoint: `${call.method} ${call.path}`,
    log: log.text,
  });
}

/** Gathers what a build says. */
class BuildProgress {
  readonly log: BuildLog = new BuildLog();
  readonly #steps = new BuildSteps();
  readonly #emit: (event: BuildEvent) => void;
  #told: string | undefined;
  #read: string | undefined;

  constructor(emit: (event: BuildEvent) => void) {
    this.#emit = emit;
  }

  /** The ID of the image: what the engine tells programs, or else its last words about it. */
  get id(): string | undefined {
    return this.#told ?? this.#read;
  }

  take(message: EngineMessage): void {
    for (const event of this.#eventsOf(message)) {
      this.log.take(event);
      this.#emit(event);
    }
    const [, short, long] = BUILT_REGEXP.exec(message.stream ?? "") ?? [];
    // A step may write the same words; the engine's own come last.
    this.#read = short ?? long ?? this.#read;
  }

  #eventsOf(message: EngineMessage): readonly BuildEvent[] {
    const { id, aux } = message;
    if (id === TRACE_ID) return this.#steps.take(aux);
    const told = isJSONObject(aux) ? textField(aux, "ID") : "";
    if (told !== "") {
      this.#told = told;
      return [{ type: "image", id: told }];
    }
    const event = eventOf(message);
    return event === undefined ? [] : [event];
  }
}
