// What the host has of its own, found without imports: the same bundle runs everywhere.
import type * as NodeCrypto from "node:crypto";
import type * as NodeModule from "node:module";
import type * as NodeStream from "node:stream";
import type * as NodeZlib from "node:zlib";
import type * as TarStream from "tar-stream";

interface HostProcess {
  cwd?: () => string;
  getBuiltinModule?: (name: string) => unknown;
}

const { process } = globalThis as { process?: HostProcess };

function builtin<Module>(name: string): Module | undefined {
  return process?.getBuiltinModule?.(name) as Module | undefined;
}

/** node:zlib, where there is one. */
export const zlib: typeof NodeZlib | undefined = builtin("node:zlib");
/** node:crypto, where there is one. */
export const crypto: typeof NodeCrypto | undefined = builtin("node:crypto");
/** node:stream, where there is one. */
export const stream: typeof NodeStream | undefined = builtin("node:stream");

/** tar-stream, where packages are on a disk. */
export const tarStream: typeof TarStream | undefined = load("tar-stream");

function load<Module>(name: string): Module | undefined {
  try {
    const require = builtin<typeof NodeModule>("node:module")
      ?.createRequire(`${process?.cwd?.()}/package.json`);
    return require?.(name);
  } catch {
    // workerd has the function, and no disk.
    return undefined;
  }
}

/** A digest that takes a stream, and says when it is ready for more. */
export interface AsyncHasher {
  update(chunk: Uint8Array): unknown;
  digest(): Promise<Uint8Array>;
}

interface DigestStreamClass {
  new (algorithm: string): WritableStream<Uint8Array> & { readonly digest: Promise<ArrayBuffer> };
}

const { DigestStream } = globalThis.crypto as unknown as { DigestStream?: DigestStreamClass };

/** workerd's own. */
export const digestStreamHasher: (() => AsyncHasher) | undefined = DigestStream === undefined
  ? undefined
  : () => {
    const stream = new DigestStream("SHA-256");
    const writer = stream.getWriter();
    return {
      update: (chunk) => writer.write(chunk),
      async digest() {
        await writer.close();
        return new Uint8Array(await stream.digest);
      },
    };
  };

/** node:crypto's. */
export const cryptoHasher: (() => AsyncHasher) | undefined = crypto === undefined
  ? undefined
  : () => {
    const hash = crypto.createHash("sha256");
    return {
      update: (chunk) => void hash.update(chunk),
      digest: () => Promise.resolve(hash.digest()),
    };
  };
