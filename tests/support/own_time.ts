/** Time that a process takes itself, on a machine that has other things to do. */
import process from "node:process";

/**
 * Measures time without that in which this process was ready to run and others did: by how much
 * timers come too late, but for what it has computed meanwhile itself.
 *
 * @returns Ends the measurement, and gives the milliseconds.
 */
export function watchOwnTime(): () => number {
  const began = performance.now();
  const computed = process.cpuUsage();
  let lateMs = 0;
  let due = began + 1;
  const look = (): void => {
    lateMs += Math.max(0, performance.now() - due);
    due = performance.now() + 1;
    timer = setTimeout(look, 1);
  };
  let timer = setTimeout(look, 1);
  return () => {
    clearTimeout(timer);
    const ended = performance.now();
    lateMs += Math.max(0, ended - due);
    const { user, system } = process.cpuUsage(computed);
    return ended - began - Math.max(0, lateMs - (user + system) / 1000);
  };
}
