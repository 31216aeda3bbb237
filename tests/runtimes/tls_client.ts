/** A program that asks a registry over https: certificates are trusted by process. */
import process from "node:process";
import { hostTransport } from "../../lib/runtime/host_transport.ts";
import { isLadingError, type RegistryError } from "../../lib/model/errors.ts";
import { Registry, staticCredentials } from "../../lib/registry/mod.ts";
import type { Descriptor } from "../../lib/model/descriptor.ts";

/** What the program is told, as JSON, by its last argument. */
export interface Task {
  readonly host: string;
  readonly username: string;
  readonly password: string;
  readonly transport: "fetch" | "host";
  readonly fixLocationScheme: boolean;
  readonly descriptor: Descriptor;
  readonly raw: string;
}

/** What it writes, as JSON: one for each method. */
export interface Outcome {
  readonly method: string;
  /** Absent when it went well. */
  readonly error?: {
    readonly name: string;
    readonly message: string;
    readonly status: number;
    /** Everything that could be printed of it. */
    readonly text: string;
  };
  /** How often it was repeated. */
  readonly retries: number;
}

async function ask(task: Task): Promise<Outcome[]> {
  const { host, username, password, descriptor } = task;
  const raw = new TextEncoder().encode(task.raw);
  const outcomes: Outcome[] = [];
  const calls = ["GET", "HEAD", "PUT"] as const;
  for (const method of calls) {
    let retries = 0;
    const repository = new Registry(host, {
      plainHTTP: false,
      fixLocationScheme: task.fixLocationScheme,
      credentials: staticCredentials(host, { kind: "basic", username, password }),
      retry: { retries: 2, baseMs: 1 },
      onEvent: ({ type }) => void (retries += Number(type === "retry")),
      ...task.transport === "host" ? { transport: hostTransport() } : {},
    }).repository("acme/app");
    try {
      if (method === "GET") await repository.manifest(descriptor.digest);
      else if (method === "HEAD") await repository.exists(descriptor);
      else await repository.push(descriptor, raw);
      outcomes.push({ method, retries });
    } catch (error) {
      if (!isLadingError(error)) throw error;
      const { name, message, status } = error as RegistryError;
      const text = [message, error.stack, JSON.stringify(error), String(error.cause)].join("\n");
      outcomes.push({ method, error: { name, message, status, text }, retries });
    }
  }
  return outcomes;
}

console.log(JSON.stringify(await ask(JSON.parse(process.argv.at(-1) ?? "") as Task)));
