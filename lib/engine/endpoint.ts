import { InvalidInputError } from "../model/errors.ts";

/** A socket of this machine. */
export interface SocketEndpoint {
  /** `unix` for a socket in the file system, `npipe` for a named pipe of Windows. */
  readonly kind: "unix" | "npipe";
  /** The path of the socket, or the name of the pipe: `\\.\pipe\docker_engine`. */
  readonly path: string;
}

/** A port. */
export interface TCPEndpoint {
  /** Tells the kinds apart. */
  readonly kind: "tcp";
  /** The host; an IPv6 address has no brackets. */
  readonly host: string;
  /** The port. */
  readonly port: number;
  /** What stands before the paths of the API: "" or `/docker`. */
  readonly basePath: string;
  /** Whether TLS is spoken. */
  readonly isSecure: boolean;
}

/** An engine behind ssh. */
export interface SSHEndpoint {
  /** Tells the kinds apart. */
  readonly kind: "ssh";
  /** The host; an IPv6 address has no brackets. */
  readonly host: string;
  /** The port, where it is not the one of the ssh configuration. */
  readonly port: number | undefined;
  /** The user, where it is not the one of the ssh configuration. */
  readonly user: string | undefined;
  /** The socket there, where it is not the usual one. */
  readonly socketPath: string | undefined;
}

/** Where an engine listens. */
export type EngineEndpoint = SocketEndpoint | TCPEndpoint | SSHEndpoint;

/** Where engines listen on Linux and macOS, when nothing else is said. */
export const DEFAULT_SOCKET_PATH = "/var/run/docker.sock";

/** Where engines listen on Windows, when nothing else is said. */
export const DEFAULT_PIPE_NAME = "\\\\.\\pipe\\docker_engine";

/** Options of {@linkcode parseEngineHost}. */
export interface EngineHostOptions {
  /** Whether `tcp` means TLS; only `http` never does. */
  readonly isSecure?: boolean | undefined;
  /** Whether this is Windows, where the engine listens at a named pipe by default. */
  readonly isWindows?: boolean | undefined;
}

/** The schemes, for messages. */
const WAYS = "unix://, npipe://, tcp://, http://, https:// and ssh://";

const SCHEME_REGEXP = /^([A-Za-z][A-Za-z0-9+.-]*):\/\//;
const AUTHORITY_REGEXP = /^(?:([^@]*)@)?(\[[0-9A-Fa-f:.%]+\]|[^:[\]]*)(?::(\d{1,5}))?$/;
const HOST_REGEXP = /^[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,252}[A-Za-z0-9_.])?$/;

/**
 * Reads the address of an engine as `DOCKER_HOST` has it: `unix:///path`, `npipe:////./pipe/name`,
 * `tcp://host:port`, `http://…`, `https://…`, `ssh://[user@]host[:port][/socket]`, or `host:port`
 * alone. What is left out of a host is this machine.
 *
 * @param text The address; "" is the usual socket.
 * @param options Whether `tcp` means TLS, and whether this is Windows.
 * @returns The address.
 * @throws {InvalidInputError} (`INVALID_ENDPOINT`) when it is none.
 */
export function parseEngineHost(text: string, options: EngineHostOptions = {}): EngineEndpoint {
  const { isSecure = false, isWindows = false } = options;
  if (text === "") return defaultEndpoint(isWindows);
  if (/[\p{Cc}\s]/u.test(text)) refuse(text, "it has a blank or a control character");
  const scheme = SCHEME_REGEXP.exec(text)?.[1]?.toLowerCase();
  const rest = scheme === undefined ? text : text.slice(scheme.length + 3);
  switch (scheme) {
    case "unix":
    case "http+unix":
      if (rest === "") return { kind: "unix", path: DEFAULT_SOCKET_PATH };
      return { kind: "unix", path: rest.startsWith("/") ? rest : `/${rest}` };
    case "npipe":
      if (rest === "") return { kind: "npipe", path: DEFAULT_PIPE_NAME };
      return { kind: "npipe", path: rest.replaceAll("/", "\\") };
    case "ssh":
      return sshEndpoint(text, rest);
    case "http":
      return tcpEndpoint(text, rest, false, 80);
    case "https":
      return tcpEndpoint(text, rest, true, 443);
    case "tcp":
      if (rest === "") refuse(text, "it has neither host nor port");
      return tcpEndpoint(text, rest, isSecure, isSecure ? 2376 : 2375);
    case undefined:
      return tcpEndpoint(text, rest, isSecure, undefined);
    default:
      return refuse(text, `${scheme}:// is no way to an engine; ${WAYS} are`);
  }
}

/**
 * Writes the address of an engine.
 *
 * @param endpoint The address.
 * @returns A text that {@linkcode parseEngineHost} takes.
 */
export function formatEngineHost(endpoint: EngineEndpoint): string {
  if ("path" in endpoint) {
    const { kind, path } = endpoint;
    return kind === "unix" ? `unix://${path}` : `npipe://${path.replaceAll("\\", "/")}`;
  }
  const host = endpoint.host.includes(":") ? `[${endpoint.host}]` : endpoint.host;
  if (endpoint.kind === "tcp") {
    return `http${endpoint.isSecure ? "s" : ""}://${host}:${endpoint.port}${endpoint.basePath}`;
  }
  const { user, port, socketPath = "" } = endpoint;
  return `ssh://${user === undefined ? "" : `${user}@`}${host}` +
    (port === undefined ? "" : `:${port}`) + socketPath;
}

/** Where the engine of this machine listens. */
function defaultEndpoint(isWindows: boolean): SocketEndpoint {
  return isWindows
    ? { kind: "npipe", path: DEFAULT_PIPE_NAME }
    : { kind: "unix", path: DEFAULT_SOCKET_PATH };
}

function tcpEndpoint(
  text: string,
  rest: string,
  isSecure: boolean,
  defaultPort: number | undefined,
): TCPEndpoint {
  const { user, host, port, path } = cut(text, rest);
  if (user !== undefined) refuse(text, "a user name has no place in it");
  const chosen = port ?? defaultPort;
  if (chosen === undefined) refuse(text, "it has no port");
  const basePath = path.replace(/\/+$/, "");
  return { kind: "tcp", host: host ?? "127.0.0.1", port: chosen, basePath, isSecure };
}

function sshEndpoint(text: string, rest: string): SSHEndpoint {
  const { user, host, port, path } = cut(text, rest);
  if (user !== undefined && (user.includes(":") || !/^[^-\s][^\s]*$/.test(user))) {
    refuse(text.replace(/:[^:@/]*@/, ":…@"), "ssh takes no password here; use a key");
  }
  if (host === undefined && path !== "") refuse(text, "it has no host");
  const socketPath = path === "" || path === "/" ? undefined : path;
  return { kind: "ssh", host: host ?? "127.0.0.1", port, user, socketPath };
}

interface Parts {
  readonly user: string | undefined;
  readonly host: string | undefined;
  readonly port: number | undefined;
  readonly path: string;
}

function cut(text: string, rest: string): Parts {
  if (/[?#;]/.test(rest)) refuse(text, "a query, a fragment or parameters have no place in it");
  const slash = rest.indexOf("/");
  const authority = slash < 0 ? rest : rest.slice(0, slash);
  const path = slash < 0 ? "" : rest.slice(slash);
  const [found, user, rawHost = "", rawPort] = AUTHORITY_REGEXP.exec(authority) ?? [];
  if (found === undefined) refuse(text, "its port is no number");
  const port = rawPort === undefined ? undefined : Number(rawPort);
  if (port !== undefined && (port < 1 || port > 65535)) refuse(text, "there is no such port");
  const host = rawHost.replace(/^\[(.*)\]$/, "$1");
  if (host !== "" && host === rawHost && !HOST_REGEXP.test(host)) refuse(text, "its host is none");
  return { user, host: host === "" ? undefined : host, port, path };
}

function refuse(text: string, reason: string): never {
  throw new InvalidInputError(
    "INVALID_ENDPOINT",
    `Cannot find an engine at ${JSON.stringify(text.slice(0, 256))}: ${reason}`,
    { input: text },
  );
}
