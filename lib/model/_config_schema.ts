import * as v from "valibot";
import { isDigest } from "./digest.ts";
import type { ImageConfig } from "./image_config.ts";
import { isJSONObject } from "./json_object.ts";

// The schemas only judge: what they return is thrown away, because it would lack the unknown
// fields and the keys that valibot does not copy (`__proto__`, `constructor`).

type Mutable<T> = T extends readonly (infer Item)[] ? Mutable<Item>[]
  : T extends object ? { -readonly [Key in keyof T]: Mutable<T[Key]> }
  : T;

/** The same with all fields required: two types that differ by an optional field are assignable. */
type Complete<T> = T extends readonly (infer Item)[] ? Complete<Item>[]
  : T extends object ? { -readonly [Key in keyof T]-?: Complete<T[Key]> }
  : T;

type IsSame<A, B> = [A, B] extends [B, A] ? true : false;

type IsEqual<A, B> = IsSame<[Mutable<A>, Complete<A>], [Mutable<B>, Complete<B>]>;

/** A schema whose output is exactly `T`, but for `readonly`; any other does not compile. */
type Pinned<T, Schema extends v.GenericSchema> = IsEqual<v.InferOutput<Schema>, T> extends true
  ? Schema
  : never;

/** Pins a schema to a hand-written interface: `tsc` fails when the two drift apart. */
function pinned<T>(): <Schema extends v.GenericSchema>(
  schema: Schema & Pinned<T, Schema>,
) => v.GenericSchema {
  return (schema) => schema;
}

const text = v.string();
const texts = v.array(text);
const flag = v.boolean();
const integer = v.pipe(v.number(), v.safeInteger());

const digest = v.pipe(text, v.check(isDigest, "not a digest"));

const textMap = v.custom<Record<string, string>>(
  (value) => isJSONObject(value) && Object.values(value).every((item) => typeof item === "string"),
  "not an object of strings",
);

const map = v.custom<Record<string, unknown>>(isJSONObject, "not an object");

const healthcheck = v.object({
  Test: v.exactOptional(texts),
  Interval: v.exactOptional(integer),
  Timeout: v.exactOptional(integer),
  StartPeriod: v.exactOptional(integer),
  StartInterval: v.exactOptional(integer),
  Retries: v.exactOptional(integer),
});

const containerConfig = v.object({
  User: v.exactOptional(text),
  ExposedPorts: v.exactOptional(map),
  Env: v.exactOptional(texts),
  Entrypoint: v.exactOptional(texts),
  Cmd: v.exactOptional(texts),
  Volumes: v.exactOptional(map),
  WorkingDir: v.exactOptional(text),
  Labels: v.exactOptional(textMap),
  StopSignal: v.exactOptional(text),
  ArgsEscaped: v.exactOptional(flag),
  Healthcheck: v.exactOptional(healthcheck),
  OnBuild: v.exactOptional(texts),
  Shell: v.exactOptional(texts),
});

/** Judges an {@linkcode ImageConfig}. */
export const imageConfigSchema: v.GenericSchema = pinned<ImageConfig>()(v.object({
  created: v.exactOptional(text),
  author: v.exactOptional(text),
  architecture: text,
  os: text,
  "os.version": v.exactOptional(text),
  "os.features": v.exactOptional(texts),
  variant: v.exactOptional(text),
  config: v.exactOptional(containerConfig),
  rootfs: v.object({ type: text, diff_ids: v.array(digest) }),
  history: v.exactOptional(v.array(v.object({
    created: v.exactOptional(text),
    created_by: v.exactOptional(text),
    author: v.exactOptional(text),
    comment: v.exactOptional(text),
    empty_layer: v.exactOptional(flag),
  }))),
}));

/** Tells the first thing that is wrong with a value and where; `undefined` when nothing is. */
export function problemOf(schema: v.GenericSchema, value: unknown): string | undefined {
  const result = v.safeParse(schema, value, { abortEarly: true });
  if (result.success) return undefined;
  const [issue] = result.issues;
  const path = v.getDotPath(issue);
  const reason = issue.received === "undefined" ? "missing" : issue.message;
  return path === null ? reason : `${path}: ${reason}`;
}
