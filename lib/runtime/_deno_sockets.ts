import { type ConnectionModules, READ_AHEAD_BYTES } from "./_http_connection.ts";

/** How much a socket may give at once where no buffer comes with it. */
const RECEIVE_BYTES = 256 * 1024;

/**
 * How long a connection that is not wanted any more may still take to come about. One that is given
 * up at once may come about all the same, and then Deno never closes it.
 */
const GIVE_UP_MS = 1000;

/** How much may wait to be sent before the writer is told to wait. */
const SEND_BYTES = 64 * 1024;

interface DenoConnection {
  read(into: Uint8Array): Promise<number | null>;
  write(bytes: Uint8Array): Promise<number>;
  ref(): void;
  unref(): void;
  close(): void;
}

interface DenoTCPConnection extends DenoConnection {
  setNoDelay(isSet: boolean): void;
}

interface DenoHost {
  readonly Deno?: {
    connect(
      options: { hostname: string; port: number; signal: AbortSignal },
    ): Promise<DenoTCPConnection>;
    startTls(
      connection: DenoTCPConnection,
      options: { hostname: string; alpnProtocols: readonly string[] },
    ): Promise<DenoConnection>;
    unrefTimer(id: unknown): void;
  };
}

type Deno = NonNullable<DenoHost["Deno"]>;

/** What is said to `connect` of `node:net` and `node:tls`, as far as it is used. */
interface ConnectOptions {
  readonly host: string;
  readonly port: number;
  readonly ALPNProtocols?: readonly string[];
  readonly onread?: {
    readonly buffer: Uint8Array;
    callback(count: number, buffer: Uint8Array): boolean;
  };
}

/** What happens to a socket, by the names that Node has. */
interface SocketEvents {
  readonly data: (bytes: Uint8Array) => void;
  readonly drain: () => void;
  readonly timeout: () => void;
  readonly end: () => void;
  readonly error: (error: unknown) => void;
  readonly close: () => void;
}

/**
 * Gives what connections are made with on Deno: its own sockets, behind the part of Node's modules
 * that connections use. Deno's `node:tls` does not know the certificates that Deno was told to
 * trust (`--cert`, `DENO_CERT`), and reads with a copy more.
 *
 * @returns The modules; `undefined` elsewhere.
 */
export function denoSockets(): ConnectionModules | undefined {
  const { Deno } = globalThis as DenoHost;
  if (Deno === undefined) return undefined;
  const open = (options: ConnectOptions): DenoSocket => new DenoSocket(Deno, options);
  const modules: unknown = {
    net: { connect: open, isIP: (host: string) => /^[\d.]+$|:/.test(host) ? 1 : 0 },
    tls: { connect: open },
    readsIntoBuffer: true,
    givesBytes: false,
    readAheadBytes: READ_AHEAD_BYTES,
  };
  return modules as ConnectionModules;
}

/** A socket of Deno with the methods of Node's that connections call. */
class DenoSocket {
  readonly #deno: Deno;
  readonly #options: ConnectOptions;
  readonly #handlers: Partial<SocketEvents> = {};
  readonly #givingUp = new AbortController();
  #isConnecting = true;
  #connection: DenoConnection | undefined;
  readonly #unsent: { readonly bytes: Uint8Array; readonly written: (() => void) | undefined }[] =
    [];
  #unsentBytes = 0;
  #isSending = false;
  #isPaused = false;
  #onResume: () => void = () => {};
  #isKept = true;
  #timer: ReturnType<typeof setTimeout> | undefined;
  destroyed = false;

  constructor(deno: Deno, options: ConnectOptions) {
    this.#deno = deno;
    this.#options = options;
    void this.#run();
  }

  on<Name extends keyof SocketEvents>(name: Name, handler: SocketEvents[Name]): this {
    this.#handlers[name] = handler;
    return this;
  }

  /** It is done before a byte is sent: an answer is never worth waiting for more of the request. */
  setNoDelay(): void {}

  setTimeout(ms: number): void {
    clearTimeout(this.#timer);
    if (ms === 0) return;
    this.#timer = setTimeout(() => this.#handlers.timeout?.(), ms);
    this.#deno.unrefTimer(this.#timer);
  }

  ref(): void {
    this.#isKept = true;
    this.#connection?.ref();
  }

  unref(): void {
    this.#isKept = false;
    this.#connection?.unref();
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#onResume();
  }

  /** Text is of one byte a character, as heads are. */
  write(data: Uint8Array | string, then?: string | (() => void)): boolean {
    const bytes = typeof data === "string" ? latin1(data) : data;
    this.#unsent.push({ bytes, written: typeof then === "function" ? then : undefined });
    this.#unsentBytes += bytes.byteLength;
    void this.#send();
    return this.#unsentBytes < SEND_BYTES;
  }

  destroy(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    clearTimeout(this.#timer);
    this.#onResume();
    this.#connection?.close();
    // Where nobody answers it would keep the process waiting for minutes.
    if (this.#isConnecting) this.#timer = setTimeout(() => this.#givingUp.abort(), GIVE_UP_MS);
  }

  async #run(): Promise<void> {
    try {
      const connection = await this.#open().finally(() => {
        this.#isConnecting = false;
        clearTimeout(this.#timer);
      });
      if (this.destroyed) return connection.close();
      this.#connection = connection;
      if (!this.#isKept) connection.unref();
      void this.#send();
      await this.#receive(connection);
    } catch (error) {
      this.#fail(error);
    } finally {
      this.destroy();
      this.#handlers.close?.();
    }
  }

  async #open(): Promise<DenoConnection> {
    const { host, port, ALPNProtocols } = this.#options;
    const { signal } = this.#givingUp;
    const plain = await this.#deno.connect({ hostname: host, port, signal });
    plain.setNoDelay(true);
    if (ALPNProtocols === undefined) return plain;
    return await this.#deno.startTls(plain, { hostname: host, alpnProtocols: ALPNProtocols });
  }

  async #receive(connection: DenoConnection): Promise<void> {
    const { onread } = this.#options;
    const buffer = onread?.buffer ?? new Uint8Array(RECEIVE_BYTES);
    while (!this.destroyed) {
      if (this.#isPaused) await new Promise<void>((resolve) => this.#onResume = resolve);
      if (this.destroyed) return;
      const count = await connection.read(buffer);
      if (count === null) return this.#handlers.end?.();
      if (onread === undefined) this.#handlers.data?.(buffer.subarray(0, count));
      else if (!onread.callback(count, buffer)) this.#isPaused = true;
    }
  }

  async #send(): Promise<void> {
    const connection = this.#connection;
    if (connection === undefined || this.#isSending) return;
    this.#isSending = true;
    try {
      for (let next = this.#unsent.shift(); next !== undefined; next = this.#unsent.shift()) {
        const { bytes, written } = next;
        for (let at = 0; at < bytes.byteLength;) at += await connection.write(bytes.subarray(at));
        this.#unsentBytes -= bytes.byteLength;
        written?.();
      }
      this.#handlers.drain?.();
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#isSending = false;
    }
  }

  #fail(error: unknown): void {
    if (this.destroyed) return;
    this.#handlers.error?.(error);
    this.destroy();
  }
}

function latin1(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
