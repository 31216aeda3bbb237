/** Stands in for `node:assert/strict` in workerd and browsers: the functions that the tests use. */

class AssertionError extends Error {
  override name = "AssertionError";
}

type ErrorCheck = RegExp | ErrorConstructor | ((error: unknown) => boolean) | object;

function show(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "bigint") return `${value}n`;
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  if (value instanceof Uint8Array) return `bytes(${value.length})[${value.subarray(0, 32)}]`;
  if (value instanceof Map) return `Map(${show([...value])})`;
  if (value instanceof Set) return `Set(${show([...value])})`;
  try {
    return JSON.stringify(value, (_, item) => typeof item === "bigint" ? `${item}n` : item) ??
      String(value);
  } catch {
    return String(value);
  }
}

function equalSets(a: ReadonlySet<unknown>, b: ReadonlySet<unknown>): boolean {
  if (a.size !== b.size) return false;
  const rest = [...b];
  for (const item of a) {
    const at = rest.findIndex((other) => same(item, other));
    if (at < 0) return false;
    rest.splice(at, 1);
  }
  return true;
}

function same(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false;
  if (a instanceof Date && b instanceof Date) return a.getTime() === b.getTime();
  if (a instanceof RegExp && b instanceof RegExp) return String(a) === String(b);
  if (a instanceof Error && b instanceof Error && a.message !== b.message) return false;
  if (ArrayBuffer.isView(a) && ArrayBuffer.isView(b)) {
    const left = new Uint8Array(a.buffer, a.byteOffset, a.byteLength);
    const right = new Uint8Array(b.buffer, b.byteOffset, b.byteLength);
    return left.length === right.length && left.every((byte, index) => byte === right[index]);
  }
  if (a instanceof Map && b instanceof Map) {
    return a.size === b.size && equalSets(new Set(a.entries()), new Set(b.entries()));
  }
  if (a instanceof Set && b instanceof Set) return equalSets(a, b);
  const left = Object.keys(a);
  const right = Object.keys(b);
  if (Array.isArray(a) && a.length !== (b as unknown[]).length) return false;
  return left.length === right.length &&
    left.every((key) =>
      Object.hasOwn(b, key) &&
      same((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key])
    );
}

function check(condition: boolean, message: string | Error | undefined, fallback: string): void {
  if (condition) return;
  if (message instanceof Error) throw message;
  throw new AssertionError(message === undefined ? fallback : `${message}: ${fallback}`);
}

function checkError(error: unknown, expected: ErrorCheck | string | undefined): void {
  if (expected === undefined || typeof expected === "string") return;
  if (expected instanceof RegExp) {
    return check(
      expected.test(String(error)),
      undefined,
      `${show(error)} does not match ${expected}`,
    );
  }
  if (typeof expected === "function") {
    if (expected.prototype !== undefined && error instanceof (expected as ErrorConstructor)) return;
    if (Object.prototype.isPrototypeOf.call(Error, expected)) throw error;
    if (expected === Error) throw error;
    return check(
      (expected as (error: unknown) => boolean)(error) === true,
      undefined,
      `the error is not as expected: ${show(error)}`,
    );
  }
  for (const [key, value] of Object.entries(expected)) {
    const actual = (error as Record<string, unknown>)[key];
    const matches = value instanceof RegExp && typeof actual === "string"
      ? value.test(actual)
      : same(actual, value);
    check(matches, undefined, `error.${key} is ${show(actual)}, expected ${show(value)}`);
  }
}

export function ok(value: unknown, message?: string | Error): void {
  check(Boolean(value), message, `${show(value)} is not truthy`);
}

export function equal(actual: unknown, expected: unknown, message?: string | Error): void {
  check(Object.is(actual, expected), message, `${show(actual)} is not ${show(expected)}`);
}

export function notEqual(actual: unknown, expected: unknown, message?: string | Error): void {
  check(!Object.is(actual, expected), message, `${show(actual)} is not to be expected`);
}

export function deepEqual(actual: unknown, expected: unknown, message?: string | Error): void {
  check(same(actual, expected), message, `${show(actual)} is not ${show(expected)}`);
}

export function notDeepEqual(actual: unknown, expected: unknown, message?: string | Error): void {
  check(!same(actual, expected), message, `${show(actual)} is not to be expected`);
}

export function match(actual: string, expected: RegExp, message?: string | Error): void {
  check(expected.test(actual), message, `${show(actual)} does not match ${expected}`);
}

export function doesNotMatch(actual: string, expected: RegExp, message?: string | Error): void {
  check(!expected.test(actual), message, `${show(actual)} matches ${expected}`);
}

export function fail(message?: string | Error): never {
  if (message instanceof Error) throw message;
  throw new AssertionError(message ?? "failed");
}

export function throws(
  run: () => unknown,
  expected?: ErrorCheck | string,
  message?: string | Error,
): void {
  try {
    run();
  } catch (error) {
    return checkError(error, expected);
  }
  fail(message ?? (typeof expected === "string" ? expected : "nothing was thrown"));
}

export function doesNotThrow(run: () => unknown): void {
  run();
}

export async function rejects(
  run: Promise<unknown> | (() => Promise<unknown>),
  expected?: ErrorCheck | string,
  message?: string | Error,
): Promise<void> {
  try {
    await (typeof run === "function" ? run() : run);
  } catch (error) {
    return checkError(error, expected);
  }
  fail(message ?? (typeof expected === "string" ? expected : "nothing was rejected"));
}

export async function doesNotReject(
  run: Promise<unknown> | (() => Promise<unknown>),
): Promise<void> {
  await (typeof run === "function" ? run() : run);
}

export const strictEqual: typeof equal = equal;
export const notStrictEqual: typeof notEqual = notEqual;
export const deepStrictEqual: typeof deepEqual = deepEqual;
export const notDeepStrictEqual: typeof notDeepEqual = notDeepEqual;

interface Assert {
  (value: unknown, message?: string | Error): void;
  ok: typeof ok;
  equal: typeof equal;
  notEqual: typeof notEqual;
  deepEqual: typeof deepEqual;
  notDeepEqual: typeof notDeepEqual;
  match: typeof match;
  doesNotMatch: typeof doesNotMatch;
  fail: typeof fail;
  throws: typeof throws;
  doesNotThrow: typeof doesNotThrow;
  rejects: typeof rejects;
  doesNotReject: typeof doesNotReject;
  strictEqual: typeof equal;
  notStrictEqual: typeof notEqual;
  deepStrictEqual: typeof deepEqual;
  notDeepStrictEqual: typeof notDeepEqual;
}

const assert: Assert = Object.assign(
  (value: unknown, message?: string | Error): void => ok(value, message),
  {
    ok,
    equal,
    notEqual,
    deepEqual,
    notDeepEqual,
    match,
    doesNotMatch,
    fail,
    throws,
    doesNotThrow,
    rejects,
    doesNotReject,
    strictEqual,
    notStrictEqual,
    deepStrictEqual,
    notDeepStrictEqual,
  },
);

export default assert;
