import type { EngineMessage } from "./message.ts";

/** The state of one layer, or of another part that has an ID. */
export interface EngineLayerEvent {
  /** The kind of event. */
  readonly type: "layer";
  /** The short ID of the layer. */
  readonly id: string;
  /** What is done to it, in the engine's words: `Downloading`, `Extracting`, `Pushed`. */
  readonly status: string;
  /** How much is done; bytes where nothing else is said. */
  readonly current?: number | undefined;
  /** How much there is, where the engine knows. */
  readonly total?: number | undefined;
  /** What is counted, where it is no bytes. */
  readonly units?: string | undefined;
}

/** Something that the engine says about the whole. */
export interface EngineStatusEvent {
  /** The kind of event. */
  readonly type: "status";
  /** The words of the engine. */
  readonly text: string;
  /** What it is about, such as a tag. */
  readonly id?: string | undefined;
}

/** Output: of the steps of a build, of a load. */
export interface EngineLogEvent {
  /** The kind of event. */
  readonly type: "log";
  /** A piece of output as the engine gave it, with its line breaks. */
  readonly text: string;
}

/** What engines report while they work. */
export type EngineEvent = EngineLayerEvent | EngineStatusEvent | EngineLogEvent;

/**
 * Makes an event of a message.
 *
 * @param message A message that is no error.
 * @returns The event; `undefined` when it is none for people.
 */
export function eventOf(message: EngineMessage): EngineEvent | undefined {
  const { stream, status, id, progress } = message;
  if (stream !== undefined) return { type: "log", text: stream };
  if (status === undefined) return undefined;
  if (progress !== undefined && id !== undefined) return { type: "layer", id, status, ...progress };
  return { type: "status", text: status, ...(id === undefined ? {} : { id }) };
}

/** Lets the newest state of a layer take the place of those that nobody took. */
export function eventKey(event: EngineEvent): string | undefined {
  return event.type === "layer" ? event.id : undefined;
}
