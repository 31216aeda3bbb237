import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { memoryStore, registryHandler } from "../../mod.ts";
import { iterate } from "../../lib/bytes/mod.ts";
import { main, type Output } from "../../lib/cli/main.ts";
import { serve } from "../../lib/runtime/serve.ts";
import { randomIndex } from "../../lib/testing/mod.ts";

// What one test leaves behind must not change what the next one sees.
process.env["LADING_CACHE"] = "/dev/null/no-cache";

/** What a command came to. */
export interface Run {
  readonly code: number;
  readonly out: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly errors: string;
}

/** Runs a command in this process. */
export async function lading(...args: string[]): Promise<Run> {
  const parts: Uint8Array[] = [];
  let errors = "";
  const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
  const push = (text: string): Promise<void> => Promise.resolve(void parts.push(encode(text)));
  const say = (text: string): void => void (errors += `${text}\n`);
  const output: Output = {
    progress: "none",
    line: (text) => push(`${text}\n`),
    async lines(texts) {
      for await (const text of texts) await push(`${text}\n`);
    },
    text: push,
    json: (value) => push(JSON.stringify(value)),
    async bytes(content) {
      if (content instanceof Uint8Array) return void parts.push(content);
      for await (const chunk of iterate(content)) parts.push(chunk);
    },
    note: say,
    warn: (text) => say(`warning: ${text}`),
    fail: (text) => say(`lading: ${text}`),
    show: () => {},
  };
  const code = await main(args, { output });
  const bytes = new Uint8Array(await new Blob(parts as BlobPart[]).arrayBuffer());
  return { code, out: new TextDecoder().decode(bytes), bytes, errors };
}

/** Serves a registry with an index of two platforms, and gives a folder to work in. */
export async function withRegistry(
  use: (image: string, folder: string, digest: string) => Promise<void>,
): Promise<void> {
  const store = memoryStore();
  const index = await randomIndex("cli");
  await index.pushTo(store, "acme/app:1");
  const server = await serve(registryHandler(store));
  const folder = mkdtempSync(join(tmpdir(), "lading-cli-"));
  try {
    await use(`127.0.0.1:${server.port}/acme/app:1`, folder, index.descriptor.digest);
  } finally {
    rmSync(folder, { recursive: true, force: true });
    await server.close();
  }
}
