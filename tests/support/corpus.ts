/**
 * Reads the test corpus in every runtime: from the file system where there is one, else from the
 * loopback server of the test runner, which puts its address into `LADING_TEST_SERVER`.
 */
import type { Bytes } from "../../lib/model/bytes.ts";

interface FileSystemModule {
  readFileSync(path: string): Uint8Array;
  readdirSync(path: string, options: { recursive: true; withFileTypes: true }): readonly {
    readonly name: string;
    readonly parentPath?: string;
    readonly path?: string;
    isFile(): boolean;
  }[];
}

interface Host {
  readonly LADING_TEST_SERVER?: string;
  readonly process?: {
    readonly env: Readonly<Record<string, string | undefined>>;
    cwd(): string;
    getBuiltinModule?(name: "node:fs"): FileSystemModule;
  };
}

const host = globalThis as Host;

function directory(): string {
  const root = host.process?.env["LADING_CORPUS"] ?? `${host.process?.cwd()}/../shared/corpus`;
  // Listed paths come back normalised, so the root has to be.
  return new URL(`file://${root}`).pathname;
}

function fileSystem(): FileSystemModule {
  const module = host.process?.getBuiltinModule?.("node:fs");
  if (module === undefined) throw new Error("no file system and no test server");
  return module;
}

async function download(path: string): Promise<Response> {
  const response = await fetch(`${host.LADING_TEST_SERVER}/${path}`);
  if (!response.ok) throw new Error(`test server answered ${response.status} for ${path}`);
  return response;
}

/** Reads one file of the corpus. */
export async function corpusBytes(path: string): Promise<Bytes> {
  if (host.LADING_TEST_SERVER !== undefined) {
    return new Uint8Array(await (await download(`corpus/${path}`)).arrayBuffer());
  }
  return new Uint8Array(fileSystem().readFileSync(`${directory()}/${path}`));
}

/** Reads one JSON document of the corpus; the caller names its shape. */
export async function corpusJSON<T>(path: string): Promise<T> {
  return JSON.parse(new TextDecoder().decode(await corpusBytes(path))) as T;
}

/** Lists the files below a folder of the corpus, as paths relative to the corpus, sorted. */
export async function corpusList(folder: string): Promise<string[]> {
  if (host.LADING_TEST_SERVER !== undefined) {
    return await (await download(`list/${folder}`)).json() as string[];
  }
  const root = directory();
  return fileSystem().readdirSync(`${root}/${folder}`, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath ?? entry.path}/${entry.name}`.slice(root.length + 1))
    .sort();
}
