/** A scope of the token protocol: what may be done with one resource. */
export interface Scope {
  /** The kind of resource, with its class if it has one: `repository`, `repository(plugin)`, `registry`. */
  readonly type: string;
  /** The resource; it may start with a host and a port. */
  readonly name: string;
  /** What may be done, sorted and without repetitions; `*` stands alone. */
  readonly actions: readonly string[];
}

function sortedActions(actions: Iterable<string>): string[] {
  const set = new Set(actions);
  set.delete("");
  return set.has("*") ? ["*"] : [...set].sort();
}

/**
 * Parses a scope of the form `type:name:actions`. The name may hold colons.
 *
 * @param text One scope, without blanks.
 * @returns The scope; `undefined` for a text of another form, which is to be passed on as it is.
 */
export function parseScope(text: string): Scope | undefined {
  const first = text.indexOf(":");
  const last = text.lastIndexOf(":");
  if (first < 1 || last <= first + 1) return undefined;
  const actions = sortedActions(text.slice(last + 1).split(","));
  if (actions.length === 0) return undefined;
  return { type: text.slice(0, first), name: text.slice(first + 1, last), actions };
}

/**
 * Formats a scope as servers expect it.
 *
 * @param scope The scope.
 * @returns `type:name:actions`.
 */
export function formatScope(scope: Scope): string {
  return `${scope.type}:${scope.name}:${sortedActions(scope.actions).join(",")}`;
}

/**
 * Makes the scope that an operation on a repository needs.
 *
 * @param repository The name of the repository.
 * @param actions What is to be done: `pull`, `push`, `delete`.
 * @returns The scope; `undefined` when the name or all actions are empty.
 */
export function repositoryScope(
  repository: string,
  actions: readonly string[],
): string | undefined {
  const sorted = sortedActions(actions);
  if (repository === "" || sorted.length === 0) return undefined;
  return formatScope({ type: "repository", name: repository, actions: sorted });
}

/**
 * Merges scopes: actions on one resource are united, because servers honour only one scope per
 * resource, and `*` absorbs the others. Texts of another form are kept once each.
 *
 * @param scopes Scopes; an entry may hold several, separated by blanks.
 * @returns One scope per resource, in the order in which the resources came first.
 */
export function mergeScopes(scopes: Iterable<string>): string[] {
  const merged = new Map<string, Scope | string>();
  for (const text of [...scopes].flatMap((entry) => entry.split(" "))) {
    if (text === "") continue;
    const scope = parseScope(text);
    const resource = scope === undefined ? text : `${scope.type}:${scope.name}`;
    const known = merged.get(resource);
    const before = typeof known === "object" ? known.actions : [];
    const actions = sortedActions([...before, ...scope?.actions ?? []]);
    merged.set(resource, scope === undefined ? text : { ...scope, actions });
  }
  return [...merged.values()].map((item) => typeof item === "string" ? item : formatScope(item));
}

/**
 * Makes a text that is equal for equal sets of scopes.
 *
 * @param scopes Scopes in any order.
 * @returns The key.
 */
export function scopeKey(scopes: Iterable<string>): string {
  return mergeScopes(scopes).sort().join(" ");
}

/**
 * Tells whether a set of scopes allows all that another one does.
 *
 * @param granted What is there.
 * @param wanted What is needed.
 * @returns Whether nothing is lacking.
 */
export function coversScopes(granted: Iterable<string>, wanted: Iterable<string>): boolean {
  const there = mergeScopes(granted);
  return mergeScopes(wanted).every((text) => {
    if (there.includes(text)) return true;
    const scope = parseScope(text);
    const match = there.map(parseScope).find((item) =>
      item?.type === scope?.type && item?.name === scope?.name
    );
    if (scope === undefined || match === undefined) return false;
    return match.actions.includes("*") ||
      scope.actions.every((action) => match.actions.includes(action));
  });
}
