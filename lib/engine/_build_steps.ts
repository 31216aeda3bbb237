import { decodeBase64 } from "../model/base64.ts";
import type { BuildEvent } from "./build_events.ts";
import { decodeTrace, type TraceLog, type TraceVertex } from "./_build_trace.ts";

/** Turns what BuildKit says into events, in the order in which people read them. */
export class BuildSteps {
  readonly #numbers = new Map<string, number>();
  /** Output is cut anywhere, also within a character. */
  readonly #decoders = new Map<string, TextDecoder>();
  #isBroken = false;

  /** Takes one message. One that cannot be decoded is no reason to fail; it is told once. */
  take(aux: unknown): BuildEvent[] {
    try {
      const trace = decodeTrace(decodeBase64(typeof aux === "string" ? aux : "-"));
      return [
        ...trace.vertexes.map((vertex) => this.#step(vertex)),
        ...trace.statuses.map(({ vertex: step, completed, id, name, current, total }) => ({
          ...{ type: "progress" as const, step, id, current, total },
          // Only what moves has a name of its own: `extracting`.
          name: name === "" ? id : name,
          isDone: completed !== undefined,
        })),
        ...trace.warnings.map(({ vertex: step, short: text, detail, url }) => ({
          ...{ type: "warning" as const, step, text, detail, url },
        })),
        ...trace.logs.flatMap((log) => this.#log(log)),
        ...trace.vertexes.filter(({ completed }) => completed !== undefined)
          .flatMap(({ digest }) => this.#rest(digest)),
      ];
    } catch {
      if (this.#isBroken) return [];
      this.#isBroken = true;
      return [{ type: "status", text: "BuildKit reports its steps in a way that is not known" }];
    }
  }

  #step(vertex: TraceVertex): BuildEvent {
    const { digest: id, started: startedAt, completed: completedAt } = vertex;
    const { name, inputs, isCached, error } = vertex;
    const number = this.#numbers.get(id) ?? this.#numbers.size + 1;
    this.#numbers.set(id, number);
    return { type: "step", id, number, name, inputs, isCached, startedAt, completedAt, error };
  }

  #log({ vertex: step, stream, message }: TraceLog): BuildEvent[] {
    const key = `${stream} ${step}`;
    const decoder = this.#decoders.get(key) ?? new TextDecoder();
    this.#decoders.set(key, decoder);
    return logEvent(step, stream, decoder.decode(message, { stream: true }));
  }

  /** Gives what is left of a character that was cut off for good. */
  #rest(step: string): BuildEvent[] {
    return [1, 2].flatMap((stream) => {
      const key = `${stream} ${step}`;
      const text = this.#decoders.get(key)?.decode() ?? "";
      this.#decoders.delete(key);
      return logEvent(step, stream, text);
    });
  }
}

function logEvent(step: string, stream: number, text: string): BuildEvent[] {
  if (text === "") return [];
  return [{ type: "log", text, step, stream: stream === 2 ? "stderr" : "stdout" }];
}
