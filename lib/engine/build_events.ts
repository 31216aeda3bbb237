import { type EngineEvent, type EngineLogEvent, eventKey } from "./events.ts";

/** Output of a build. */
export interface BuildLogEvent extends EngineLogEvent {
  /** The step of BuildKit that wrote it. */
  readonly step?: string | undefined;
  /** Where BuildKit's step wrote it to. */
  readonly stream?: "stdout" | "stderr" | undefined;
}

/** A step of BuildKit: it is known, begins, ends. */
export interface BuildStepEvent {
  /** The kind of event. */
  readonly type: "step";
  /** Its digest. */
  readonly id: string;
  /** Its number, from 1 in the order in which steps became known. */
  readonly number: number;
  /** What it does: `[2/3] RUN make`. */
  readonly name: string;
  /** The steps that it builds on. */
  readonly inputs: readonly string[];
  /** Whether its result was there already. */
  readonly isCached: boolean;
  /** When it began. */
  readonly startedAt: Date | undefined;
  /** When it ended. */
  readonly completedAt: Date | undefined;
  /** Why it failed; "" when it did not. */
  readonly error: string;
}

/** How far a part of a step of BuildKit is. */
export interface BuildProgressEvent {
  /** The kind of event. */
  readonly type: "progress";
  /** The step. */
  readonly step: string;
  /** The part: a digest, `exporting layers`. */
  readonly id: string;
  /** What is done. */
  readonly name: string;
  /** How much is done. */
  readonly current: number;
  /** How much there is; 0 when nobody knows. */
  readonly total: number;
  /** Whether it is done. */
  readonly isDone: boolean;
}

/** What BuildKit does not like in a Dockerfile. */
export interface BuildWarningEvent {
  /** The kind of event. */
  readonly type: "warning";
  /** The step. */
  readonly step: string;
  /** What it is about. */
  readonly text: string;
  /** More about it. */
  readonly detail: readonly string[];
  /** Where to read about it. */
  readonly url: string;
}

/** The image is there. */
export interface BuildImageEvent {
  /** The kind of event. */
  readonly type: "image";
  /** Its ID. */
  readonly id: string;
}

/** What is reported while an image is built. */
export type BuildEvent =
  | Exclude<EngineEvent, EngineLogEvent>
  | BuildLogEvent
  | BuildStepEvent
  | BuildProgressEvent
  | BuildWarningEvent
  | BuildImageEvent;

/** Lets the newest state of a thing take the place of those that nobody took. */
export function buildEventKey(event: BuildEvent): string | undefined {
  switch (event.type) {
    case "step":
      return `step ${event.id}`;
    case "progress":
      return `progress ${event.step} ${event.id}`;
    case "layer":
    case "status":
      return eventKey(event);
    default:
      return undefined;
  }
}
