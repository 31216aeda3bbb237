import type * as ChildProcessModule from "node:child_process";
import type * as StreamModule from "node:stream";
import type * as TimersModule from "node:timers";
import type { SSHEndpoint } from "../engine/endpoint.ts";
import { type ConnectionModules, READ_AHEAD_BYTES } from "./_http_connection.ts";

/** The modules of Node that programs are run with. */
interface Modules {
  readonly child: typeof ChildProcessModule;
  readonly stream: typeof StreamModule;
  readonly timers: typeof TimersModule;
}

interface Host {
  readonly process?: {
    getBuiltinModule?(name: "node:child_process"): Modules["child"] | undefined;
    getBuiltinModule?(name: "node:stream"): Modules["stream"] | undefined;
    getBuiltinModule?(name: "node:timers"): Modules["timers"] | undefined;
  };
}

/** How many characters of what ssh writes to its standard error are kept for messages. */
const MAX_WORDS = 2000;

/**
 * Gives what connections to an engine are made with where the docker command would use ssh: each
 * runs `ssh host docker system dial-stdio`, behind the part of `node:net` that connections use.
 *
 * @param endpoint Where the engine is.
 * @returns The modules; `undefined` where no program can be run.
 */
export function sshSockets(endpoint: SSHEndpoint): ConnectionModules | undefined {
  const { process } = globalThis as Host;
  const child = process?.getBuiltinModule?.("node:child_process");
  const stream = process?.getBuiltinModule?.("node:stream");
  const timers = process?.getBuiltinModule?.("node:timers");
  if (child === undefined || stream === undefined || timers === undefined) return undefined;
  const modules: unknown = {
    net: { connect: () => dial({ child, stream, timers }, endpoint), isIP: () => 0 },
    readsIntoBuffer: false,
    givesBytes: false,
    readAheadBytes: READ_AHEAD_BYTES,
  };
  return modules as ConnectionModules;
}

/** The command line, as the docker command has it (cli/connhelper/ssh). */
export function sshArguments({ host, port, user, socketPath }: SSHEndpoint): string[] {
  const there = socketPath === undefined
    ? ["docker", "system", "dial-stdio"]
    : ["docker", shellQuoted(`--host=unix://${socketPath}`), "system", "dial-stdio"];
  return [
    ...["-o", "ConnectTimeout=30", "-T"],
    ...(user === undefined ? [] : ["-l", user]),
    ...(port === undefined ? [] : ["-p", String(port)]),
    // What begins with a dash is no option behind this.
    ...["--", host, ...there],
  ];
}

/** A shell at the other end reads the command again. */
function shellQuoted(word: string): string {
  return /^[A-Za-z0-9_./:=-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

function dial({ child, stream, timers }: Modules, endpoint: SSHEndpoint): StreamModule.Duplex {
  const program = child.spawn("ssh", sshArguments(endpoint), {
    stdio: ["pipe", "pipe", "pipe"],
    windowsHide: true,
  });
  const { stdin, stdout, stderr } = program;
  const connection = new stream.Duplex({
    read: () => void stdout.resume(),
    write: (chunk: Uint8Array, _, done) => void stdin.write(chunk, () => done()),
    final: (done) => void stdin.end(() => done()),
    destroy(error, done) {
      timers.clearTimeout(timer);
      program.kill();
      // The docker command goes by the end of its input.
      for (const pipe of [stdin, stdout, stderr]) pipe.destroy();
      done(error);
    },
  });
  let timer: NodeJS.Timeout | undefined;
  const all = [program, stdin, stdout, stderr] as readonly Partial<NodeJS.RefCounted>[];
  let isKept = true;
  // What sockets have, and streams of programs do not.
  Object.assign(connection, {
    setNoDelay() {},
    setTimeout(ms: number) {
      timers.clearTimeout(timer);
      if (ms > 0) timer = timers.setTimeout(() => connection.emit("timeout"), ms).unref();
    },
    ref() {
      // Bun counts.
      if (!isKept) { for (const one of all) one.ref?.(); }
      isKept = true;
    },
    unref() {
      if (isKept) { for (const one of all) one.unref?.(); }
      isKept = false;
    },
  });
  let words = "";
  stderr.on("data", (chunk: Uint8Array) => {
    words = (words + new TextDecoder().decode(chunk)).slice(-MAX_WORDS);
  });
  stdout.on("data", (chunk: Uint8Array) => {
    if (!connection.push(chunk)) stdout.pause();
  });
  // What ssh says at its end tells more than that its pipe broke.
  stdin.on("error", () => {});
  program.on("error", (error) => connection.destroy(error));
  program.on("close", (code) => {
    if (code === 0) return void connection.push(null);
    connection.destroy(new Error(`ssh ended with ${code}: ${words.trim()}`));
  });
  return connection;
}
