import type * as ChildProcessModule from "node:child_process";
import type * as HTTPModule from "node:http";
import type * as StreamModule from "node:stream";
import type { SSHEndpoint } from "../engine/endpoint.ts";
import { LadingError } from "../model/errors.ts";

interface Host {
  readonly process?: {
    getBuiltinModule?(name: "node:child_process"): typeof ChildProcessModule | undefined;
    getBuiltinModule?(name: "node:stream"): typeof StreamModule | undefined;
  };
}

/** How many characters of what ssh writes to its standard error are kept for messages. */
const MAX_WORDS = 2000;

/** The methods of sockets that Node's `http` calls, and pipes do not have. */
const SOCKET_METHODS = ["setTimeout", "setNoDelay", "setKeepAlive", "ref", "unref"] as const;

/**
 * Makes the agent that reaches an engine as the docker command does: it runs
 * `ssh host docker system dial-stdio`, once for each connection.
 */
export function sshAgent(http: typeof HTTPModule, endpoint: SSHEndpoint): HTTPModule.Agent {
  const { process } = globalThis as Host;
  const child = process?.getBuiltinModule?.("node:child_process");
  const stream = process?.getBuiltinModule?.("node:stream");
  if (child === undefined || stream === undefined) {
    throw new LadingError(
      "UNSUPPORTED_ENDPOINT",
      `Cannot connect to the engine on ${endpoint.host}: no program can be run here`,
    );
  }
  class SSHAgent extends http.Agent {
    override createConnection(): StreamModule.Duplex {
      return dial(child as typeof ChildProcessModule, stream as typeof StreamModule, endpoint);
    }
  }
  return new SSHAgent({ keepAlive: false });
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

function dial(
  { spawn }: typeof ChildProcessModule,
  { Duplex }: typeof StreamModule,
  endpoint: SSHEndpoint,
): StreamModule.Duplex {
  const program = spawn("ssh", sshArguments(endpoint), {
    stdio: ["pipe", "pipe", "pipe"],
    windowsHide: true,
  });
  const { stdin, stdout, stderr } = program;
  const connection = new Duplex({
    read: () => void stdout.resume(),
    write: (chunk: Uint8Array, _, done) => void stdin.write(chunk, () => done()),
    final: (done) => void stdin.end(() => done()),
    destroy(error, done) {
      program.kill();
      // The docker command goes by the end of its input.
      for (const pipe of [stdin, stdout, stderr]) pipe.destroy();
      done(error);
    },
  });
  for (const method of SOCKET_METHODS) Object.assign(connection, { [method]: () => connection });
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
