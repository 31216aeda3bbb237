// A process that pushes one blob and writes down where it stands: `<host> <state file>`.
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import process from "node:process";
import { digestBytes } from "../../lib/hash/mod.ts";
import { type Descriptor, Registry, type UploadState } from "../../lib/registry/mod.ts";
import { hostTransport } from "../../lib/runtime/host_transport.ts";
import { noise } from "../registry/scripted.ts";

export const CHUNK_BYTES = 200_000;
export const CONTENT: Uint8Array<ArrayBuffer> = noise(2_000_000, 8);
export const BLOB: Descriptor = {
  mediaType: "application/octet-stream",
  digest: digestBytes("sha256", CONTENT),
  size: CONTENT.byteLength,
};

function save(file: string, state: UploadState): void {
  writeFileSync(`${file}.new`, JSON.stringify(state));
  renameSync(`${file}.new`, file);
}

async function main(host: string, file: string): Promise<void> {
  const repository = new Registry(host, { transport: hostTransport() }).repository("acme/app");
  const state = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : undefined;
  await repository.push(BLOB, CONTENT, {
    upload: { chunkBytes: CHUNK_BYTES, state, onState: (state) => save(file, state) },
  });
}

const [, , host, file] = process.argv;
if (host !== undefined && file !== undefined) await main(host, file);
