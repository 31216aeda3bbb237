// The program of a thread. `tests/tools/build_thread.mjs` makes _thread_source.ts of it.
import { archiveFeed } from "../compress/read_archive.ts";
import type { ArchiveSummary, ArchiveTask } from "../compress/archive_task.ts";
import { stagesOf } from "../compress/stages.ts";
import { createHasher } from "../hash/create_hasher.ts";
import type { HashAlgorithm } from "../hash/hasher.ts";
import { SOURCE_BROKE, ThreadInput } from "./_thread_input.ts";
import { failureOf, type FromThread, type ToThread } from "./_thread_messages.ts";
import { type Post, ThreadOutput } from "./_thread_output.ts";

/** The other side, as worker_threads and browsers have it. */
interface ParentPort {
  postMessage(message: unknown, moved: readonly Transferable[]): void;
  on?(event: "message", listener: (message: ToThread) => void): void;
  onmessage?: ((event: { readonly data: ToThread }) => void) | null;
}

interface Host extends ParentPort {
  readonly process?: {
    getBuiltinModule?(name: string): { readonly parentPort: ParentPort | null } | undefined;
  };
}

const host = globalThis as unknown as Host;
const port = host.process?.getBuiltinModule?.("node:worker_threads")?.parentPort ?? host;
const post: Post<FromThread> = (message, moved = []) => port.postMessage(message, moved);
const output = new ThreadOutput(post);
let input = newInput();

function newInput(): ThreadInput {
  return new ThreadInput({
    count: (stored) => output.count(stored),
    used(buffer) {
      if (buffer === undefined) post({ type: "used" });
      else post({ type: "used", buffer }, [buffer]);
    },
    idle: () => output.flush(),
  });
}

async function read(task: ArchiveTask, module: WebAssembly.Module | undefined): Promise<void> {
  const seen: { summary?: ArchiveSummary } = {};
  try {
    const stages = stagesOf(task.kernel, module);
    const feed = archiveFeed(input, stages, task, {
      end: (summary) => seen.summary = summary,
    });
    for (;;) {
      const next = feed.next();
      const piece = next instanceof Promise ? await next : next;
      if (piece === undefined) break;
      await output.put(piece);
    }
    if (seen.summary !== undefined) output.end({ type: "done", summary: seen.summary });
  } catch (error) {
    output.end(
      error === SOURCE_BROKE ? { type: "broken" } : { type: "failed", failure: failureOf(error) },
    );
  }
}

async function hash(algorithm: HashAlgorithm): Promise<void> {
  const hasher = createHasher(algorithm);
  for (;;) {
    const next = input.next();
    const chunk = next instanceof Promise ? await next : next;
    if (chunk === undefined) return output.end({ type: "hashed", hash: hasher.digest() });
    hasher.update(chunk);
  }
}

function receive(message: ToThread): void {
  switch (message.type) {
    case "read":
      input = newInput();
      return void read(message.task, message.module);
    case "hash":
      input = newInput();
      return void hash(message.algorithm);
    case "chunk":
      return input.push(message);
    case "end":
    case "break":
      return input.push(message.type);
    case "buffer":
      return output.giveBack(message.buffer);
  }
}

if (port.on !== undefined) port.on("message", receive);
else port.onmessage = ({ data }) => receive(data);
post({ type: "ready" });
