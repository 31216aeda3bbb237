import type { PairsEdit } from "./mutate_options.ts";

/** Sets and takes out pairs; those that stay keep their order. Gives nothing when none is left. */
export function editPairs(
  pairs: Readonly<Record<string, string>> | undefined,
  edit: PairsEdit | undefined,
): Readonly<Record<string, string>> | undefined {
  if (edit === undefined || Object.keys(edit).length === 0) return pairs;
  const edited = new Map<string, string>(Object.entries(pairs ?? {}));
  for (const [key, value] of Object.entries(edit)) {
    if (value === null) edited.delete(key);
    else edited.set(key, value);
  }
  return edited.size === 0 ? undefined : Object.fromEntries(edited);
}

/** Sets and takes out variables; those that stay keep their order. */
export function editEnv(
  env: readonly string[] | undefined,
  edit: PairsEdit | undefined,
  isWindows: boolean,
): readonly string[] | undefined {
  if (edit === undefined || Object.keys(edit).length === 0) return env;
  // Windows does not tell cases of names apart.
  const keyOf = (name: string) => isWindows ? name.toUpperCase() : name;
  const wanted = new Map<string, { readonly name: string; readonly value: string | null }>();
  for (const [name, value] of Object.entries(edit)) {
    if (name === "" || name.includes("=")) {
      throw new RangeError(`Cannot edit the image: ${JSON.stringify(name)} is no variable`);
    }
    wanted.set(keyOf(name), { name, value });
  }
  const edited: string[] = [];
  for (const variable of env ?? []) {
    const [name = ""] = variable.split("=");
    const key = keyOf(name);
    const change = wanted.get(key);
    if (change === undefined) {
      edited.push(variable);
      continue;
    }
    if (change.value !== null) edited.push(`${name}=${change.value}`);
    // Said twice, it is set once.
    wanted.set(key, { name, value: null });
  }
  for (const { name, value } of wanted.values()) {
    if (value !== null) edited.push(`${name}=${value}`);
  }
  return edited.length === 0 ? undefined : edited;
}
