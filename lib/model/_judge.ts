import { isJSONObject } from "./json_object.ts";

// A manifest is what edge workers read, in a budget of 20 kB for everything: these few lines take
// the place of a schema library there. The config of an image, which they do not read, has one.

/** Tells the first thing that is wrong with a value, and where; `undefined` when nothing is. */
export type Judge<T> = Rule & { readonly judges?: (value: T) => T };

type Rule = (value: unknown, path: string) => string | undefined;

/** A field that may be absent. */
interface Optional<T> {
  readonly optional: Judge<T>;
}

type AnyField = Rule | { readonly optional: Rule };

/** Exactly the fields of `T`, the optional ones marked: `tsc` fails when the two drift apart. */
type Fields<T> = {
  readonly [Key in keyof T]-?: Record<never, never> extends Pick<T, Key>
    ? Optional<Exclude<T[Key], undefined>>
    : Judge<T[Key]>;
};

/** Says what is wrong at a path. */
function at(path: string, reason: string): string {
  return path === "" ? reason : `${path}: ${reason}`;
}

/** Makes a judge of single values. */
export function that<T>(holds: (value: unknown) => boolean, reason: string): Judge<T> {
  return (value, path) => holds(value) ? undefined : at(path, reason);
}

/** Marks a field that may be absent. */
export function optional<T>(judge: Judge<T>): Optional<T> {
  return { optional: judge };
}

/** Judges each element of an array. */
export function list<T>(judge: Judge<T>): Judge<readonly T[]> {
  return (value, path) => {
    if (!Array.isArray(value)) return at(path, "not an array");
    for (const [index, item] of value.entries()) {
      const problem = judge(item, path === "" ? `${index}` : `${path}.${index}`);
      if (problem !== undefined) return problem;
    }
    return undefined;
  };
}

/** Judges the known fields of an object; others pass. */
export function object<T>(fields: Fields<T> & Readonly<Record<string, AnyField>>): Judge<T> {
  const known = Object.entries<AnyField>(fields);
  return (value, path) => {
    if (!isJSONObject(value)) return at(path, "not an object");
    for (const [name, field] of known) {
      const here = path === "" ? name : `${path}.${name}`;
      const isOptional = "optional" in field;
      if (!Object.hasOwn(value, name)) {
        if (isOptional) continue;
        return at(here, "missing");
      }
      const problem = (isOptional ? field.optional : field)(value[name], here);
      if (problem !== undefined) return problem;
    }
    return undefined;
  };
}
