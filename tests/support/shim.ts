/** Stands in for `node:test` where there is none: in workerd and in browsers. */

type TestFunction = (context: { readonly name: string }) => unknown;

/** What one test came to. */
export interface TestResult {
  readonly name: string;
  readonly error?: string;
}

/** How long a test may take; a file that needs more says so by this name. */
const asked: { LADING_TEST_TIMEOUT_MS?: number } = globalThis as object;
const DEFAULT_TIMEOUT_MS = 300_000;
const tests: { readonly name: string; readonly run: TestFunction }[] = [];

/** Registers a test; options are not supported, so nothing can be skipped here. */
export function test(name: string, run: TestFunction): void {
  tests.push({ name, run });
}

async function runOne(name: string, run: TestFunction): Promise<TestResult> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    const late = new Promise((_, reject) => {
      const ms = asked.LADING_TEST_TIMEOUT_MS ?? DEFAULT_TIMEOUT_MS;
      timer = setTimeout(() => reject(new Error(`no end after ${ms} ms`)), ms);
    });
    await Promise.race([run({ name }), late]);
    return { name };
  } catch (error) {
    return { name, error: error instanceof Error ? error.stack ?? error.message : String(error) };
  } finally {
    clearTimeout(timer);
  }
}

/** Runs every registered test, one after another. */
export async function run(): Promise<TestResult[]> {
  const results: TestResult[] = [];
  for (const { name, run } of tests) results.push(await runOne(name, run));
  return results;
}

export default test;
