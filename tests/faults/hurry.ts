/** Runs work while timers of a second and more are a hundred times faster; gives how long it took. */
export async function hurried<T>(work: () => Promise<T>): Promise<{ ms: number; result: T }> {
  const host = globalThis as { setTimeout: (...args: never[]) => unknown };
  const real = host.setTimeout as (callback: () => void, ms?: number) => unknown;
  host.setTimeout = (callback: () => void, ms: number = 0) =>
    real(callback, ms >= 1000 ? ms / FACTOR : ms);
  const start = performance.now();
  try {
    const result = await work();
    return { ms: (performance.now() - start) * FACTOR, result };
  } finally {
    host.setTimeout = real as typeof host.setTimeout;
  }
}

const FACTOR = 100;
