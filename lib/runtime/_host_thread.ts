import type { FromThread, ToThread } from "./_thread_messages.ts";

/** Who hears of a thread. */
export interface ThreadListener {
  /** Gets what it says. */
  message(message: FromThread): void;
  /** Is told that it has died, or could not start. */
  died(cause: unknown): void;
}

/** A thread of the host. */
export interface HostThread {
  /** Who hears of it; it can be changed at any time. */
  listener: ThreadListener;
  /** Tells it something; the buffers are moved. */
  post(message: ToThread, moved?: readonly ArrayBuffer[]): void;
  /** Says whether the process has to live on for it. */
  hold(isHeld: boolean): void;
  /** Ends it at once. */
  end(): void;
}

/** `Worker` of node:worker_threads, in Node, Deno and Bun. */
interface NodeWorker {
  on(event: string, listener: (value: unknown) => void): unknown;
  postMessage(message: unknown, moved: readonly ArrayBuffer[]): void;
  ref(): void;
  unref(): void;
  terminate(): unknown;
}

interface WorkerThreads {
  readonly Worker: new (source: string, options: object) => NodeWorker;
}

interface Host {
  readonly process?: { getBuiltinModule?(name: string): WorkerThreads | undefined };
  readonly Worker?: typeof Worker;
}

/**
 * Starts a thread. Threads of `worker_threads` come first: those of the web keep a process of Deno
 * alive (denoland/deno has no `unref()` for them).
 *
 * @param source The program.
 * @param listener Who hears of it.
 * @returns The thread; `undefined` where the host has none.
 */
export function startThread(source: string, listener: ThreadListener): HostThread | undefined {
  const host = globalThis as Host;
  try {
    const threads = host.process?.getBuiltinModule?.("node:worker_threads");
    if (typeof threads?.Worker === "function") return nodeThread(threads, source, listener);
    if (typeof host.Worker === "function") return webThread(host.Worker, source, listener);
  } catch {
    // Edge workers have the name and throw when it is used; a page may forbid it.
  }
  return undefined;
}

function nodeThread(
  { Worker }: WorkerThreads,
  source: string,
  listener: ThreadListener,
): HostThread {
  // Neither the environment nor the flags of the process are of any use to it.
  const worker = new Worker(source, { eval: true, env: {}, execArgv: [], name: "lading" });
  let isEnded = false;
  const thread: HostThread = {
    listener,
    post: (message, moved = []) => worker.postMessage(message, moved),
    hold: (isHeld) => isHeld ? worker.ref() : worker.unref(),
    end() {
      isEnded = true;
      worker.terminate();
    },
  };
  const die = (cause: unknown) => {
    if (!isEnded) thread.listener.died(cause);
    isEnded = true;
  };
  worker.on("message", (message) => thread.listener.message(message as FromThread));
  worker.on("messageerror", die);
  worker.on("error", die);
  worker.on("exit", (code) => die(new Error(`it has ended with the code ${code}`)));
  return thread;
}

function webThread(
  WebWorker: typeof Worker,
  source: string,
  listener: ThreadListener,
): HostThread {
  const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  const worker = new WebWorker(url, { name: "lading" });
  const thread: HostThread = {
    listener,
    post: (message, moved = []) => worker.postMessage(message, [...moved]),
    hold() {},
    end: () => worker.terminate(),
  };
  const settle = () => URL.revokeObjectURL(url);
  worker.onmessage = ({ data }) => {
    settle();
    thread.listener.message(data as FromThread);
  };
  const die = (event: { readonly message?: string }) => {
    settle();
    worker.terminate();
    thread.listener.died(new Error(event.message ?? "it could not start"));
  };
  worker.onerror = (event) => {
    event.preventDefault?.();
    die(event);
  };
  worker.onmessageerror = () => die({ message: "a message could not be read" });
  return thread;
}
