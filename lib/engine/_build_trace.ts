import { protobufFields } from "./_build_protobuf.ts";

// moby.buildkit.v1.StatusResponse (buildkit, api/services/control/control.proto). Fields that are not
// read here, and those that later versions add, are passed over.

/** A step. */
export interface TraceVertex {
  readonly digest: string;
  readonly inputs: readonly string[];
  readonly name: string;
  readonly isCached: boolean;
  readonly started: Date | undefined;
  readonly completed: Date | undefined;
  readonly error: string;
}

/** A part of a step. */
export interface TraceStatus {
  readonly id: string;
  readonly vertex: string;
  readonly name: string;
  readonly current: number;
  readonly total: number;
  readonly completed: Date | undefined;
}

/** Output of a step. */
export interface TraceLog {
  readonly vertex: string;
  /** 1 is the standard output, 2 that of errors. */
  readonly stream: number;
  readonly message: Uint8Array;
}

/** A warning about a step. */
export interface TraceWarning {
  readonly vertex: string;
  readonly short: string;
  readonly detail: readonly string[];
  readonly url: string;
}

/** What BuildKit says in one message. */
export interface Trace {
  readonly vertexes: readonly TraceVertex[];
  readonly statuses: readonly TraceStatus[];
  readonly logs: readonly TraceLog[];
  readonly warnings: readonly TraceWarning[];
}

/**
 * Decodes a message of BuildKit.
 *
 * @throws {SyntaxError} when it is none.
 */
export function decodeTrace(bytes: Uint8Array): Trace {
  const { all } = fieldsOf(bytes);
  return {
    vertexes: all(1).map(vertexOf),
    statuses: all(2).map(statusOf),
    logs: all(3).map(logOf),
    warnings: all(4).map(warningOf),
  };
}

/** The fields of a message by their numbers; of what should stand once the last one counts. */
interface Fields {
  all(number: number): readonly Uint8Array[];
  texts(number: number): readonly string[];
  bytes(number: number): Uint8Array;
  text(number: number): string;
  number(number: number): number;
  time(number: number): Date | undefined;
}

const NOTHING = new Uint8Array();

function fieldsOf(bytes: Uint8Array): Fields {
  const found = new Map<number, (number | Uint8Array)[]>();
  for (const { number, value } of protobufFields(bytes)) {
    const values = found.get(number);
    if (values === undefined) found.set(number, [value]);
    else values.push(value);
  }
  const all = (number: number) =>
    (found.get(number) ?? []).filter((value) => value instanceof Uint8Array);
  const last = (number: number) => all(number).at(-1);
  const decode = (value: Uint8Array) => new TextDecoder().decode(value);
  return {
    all,
    texts: (number) => all(number).map(decode),
    bytes: (number) => last(number) ?? NOTHING,
    text: (number) => decode(last(number) ?? NOTHING),
    number: (number) => {
      const value = found.get(number)?.at(-1);
      return typeof value === "number" ? value : 0;
    },
    time: (number) => {
      const value = last(number);
      return value === undefined ? undefined : timeOf(value);
    },
  };
}

/** google.protobuf.Timestamp; `undefined` when it is none that a `Date` can hold. */
function timeOf(bytes: Uint8Array): Date | undefined {
  const { number } = fieldsOf(bytes);
  const time = new Date(number(1) * 1000 + Math.floor(number(2) / 1e6));
  return Number.isNaN(time.getTime()) ? undefined : time;
}

function vertexOf(bytes: Uint8Array): TraceVertex {
  const { text, texts, number, time } = fieldsOf(bytes);
  return {
    digest: text(1),
    inputs: texts(2),
    name: text(3),
    isCached: number(4) !== 0,
    started: time(5),
    completed: time(6),
    error: text(7),
  };
}

function statusOf(bytes: Uint8Array): TraceStatus {
  const { text, number, time } = fieldsOf(bytes);
  return {
    id: text(1),
    vertex: text(2),
    name: text(3),
    current: number(4),
    total: number(5),
    completed: time(8),
  };
}

function logOf(fields: Uint8Array): TraceLog {
  const { text, number, bytes } = fieldsOf(fields);
  return { vertex: text(1), stream: number(3), message: bytes(4) };
}

function warningOf(bytes: Uint8Array): TraceWarning {
  const { text, texts } = fieldsOf(bytes);
  return { vertex: text(1), short: text(3), detail: texts(4), url: text(5) };
}
