import { digestBytes } from "../hash/digest_bytes.ts";
import { InvalidConfigError } from "../model/errors.ts";
import { isJSONObject, type JSONObject } from "../model/json_object.ts";
import { labelsField, textField } from "./_fields.ts";
import { type EngineEndpoint, formatEngineHost, parseEngineHost } from "./endpoint.ts";

/** What TLS needs, in PEM. */
export interface EngineTLS {
  /** The authorities to believe; default those of the system. */
  readonly ca?: string | undefined;
  /** The certificate of the client. */
  readonly cert?: string | undefined;
  /** Its key. */
  readonly key?: string | undefined;
  /** `false` believes any server. */
  readonly isVerified?: boolean | undefined;
}

/** What {@linkcode locateEngine} looks into. */
export interface EngineLookup {
  /** The variables of the environment. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Reads a file; `undefined` when it is not there. */
  readFile(path: string): Promise<string | undefined>;
  /** Whether this is Windows. */
  readonly isWindows?: boolean | undefined;
  /** The address; it goes before every variable. */
  readonly host?: string | undefined;
  /** The context; it goes before every variable. */
  readonly context?: string | undefined;
  /** What TLS needs; it goes before the files. */
  readonly tls?: EngineTLS | undefined;
}

/** Where an engine is, and what requests to it have. */
export interface EngineLocation {
  /** The address. */
  readonly endpoint: EngineEndpoint;
  /** The context that it is of; `default` for none. */
  readonly context: string;
  /** What TLS needs, where it is spoken. */
  readonly tls: EngineTLS | undefined;
  /** The version of the API that `DOCKER_API_VERSION` wants. */
  readonly apiVersion: string | undefined;
  /** `HttpHeaders` of the configuration. */
  readonly headers: Readonly<Record<string, string>>;
  /** The arguments that builds get for the proxies of the configuration, in both spellings. */
  readonly proxyArguments: Readonly<Record<string, string>>;
}

const DEFAULT_CONTEXT = "default";

/** The proxies of a configuration, and the variables that stand for them. */
const PROXIES: Readonly<Record<string, string>> = {
  httpProxy: "http_proxy",
  httpsProxy: "https_proxy",
  ftpProxy: "ftp_proxy",
  noProxy: "no_proxy",
  allProxy: "all_proxy",
};

/**
 * Finds the engine as the docker command does: by the address or the context that is given, by
 * `DOCKER_HOST`, by `DOCKER_CONTEXT`, by the context that is current in the configuration, at the
 * usual socket. TLS is spoken when `DOCKER_TLS_VERIFY`, `DOCKER_TLS` or `DOCKER_CERT_PATH` is set,
 * with `ca.pem`, `cert.pem` and `key.pem` of that folder (default: that of the configuration), or
 * with those of the context; without `DOCKER_TLS_VERIFY` any server is believed.
 *
 * @param lookup Variables and files.
 * @returns The location.
 * @throws {InvalidConfigError} when the configuration or a context cannot be read, or half of a
 * client's certificate is missing.
 * @throws {InvalidInputError} (`INVALID_ENDPOINT`) when the address is none.
 */
export async function locateEngine(lookup: EngineLookup): Promise<EngineLocation> {
  const { environment, isWindows = false } = lookup;
  checkCertificate(lookup.tls ?? {});
  const folder = configFolder(environment);
  const config = folder === undefined ? {} : await readJSON(lookup, `${folder}/config.json`);
  const host = lookup.host ?? (lookup.context === undefined ? environment["DOCKER_HOST"] : "");
  const name = lookup.host !== undefined || (host ?? "") !== ""
    ? DEFAULT_CONTEXT
    : lookup.context ?? (environment["DOCKER_CONTEXT"] || textField(config, "currentContext"));
  const rest = {
    apiVersion: environment["DOCKER_API_VERSION"] || undefined,
    headers: labelsField(config, "HttpHeaders"),
  };
  if (name !== "" && name !== DEFAULT_CONTEXT) {
    const found = await readContext(lookup, folder, name);
    return {
      ...rest,
      ...found,
      proxyArguments: proxiesOf(config, formatEngineHost(found.endpoint)),
    };
  }
  const isVerified = (environment["DOCKER_TLS_VERIFY"] ?? "") !== "";
  const certificates = environment["DOCKER_CERT_PATH"] || undefined;
  const isSecure = lookup.tls !== undefined || isVerified || certificates !== undefined ||
    (environment["DOCKER_TLS"] ?? "") !== "";
  const endpoint = parseEngineHost(host ?? "", { isSecure, isWindows });
  const isTLS = endpoint.kind === "tcp" && endpoint.isSecure;
  // The address alone may say https: then the system's authorities have to know the server.
  const tls = !isTLS ? undefined : lookup.tls ??
    (isSecure ? { ...await readTLS(lookup, certificates ?? folder), isVerified } : {});
  const shown = host === undefined || host === "" ? formatEngineHost(endpoint) : host;
  return {
    ...rest,
    endpoint,
    context: DEFAULT_CONTEXT,
    tls,
    proxyArguments: proxiesOf(config, shown),
  };
}

function configFolder(environment: EngineLookup["environment"]): string | undefined {
  const folder = environment["DOCKER_CONFIG"] || undefined;
  if (folder !== undefined) return folder;
  const home = environment["HOME"] || environment["USERPROFILE"] || undefined;
  return home === undefined ? undefined : `${home}/.docker`;
}

async function readJSON({ readFile }: EngineLookup, path: string): Promise<JSONObject> {
  const text = await readFile(path);
  if (text === undefined || text.trim() === "") return {};
  try {
    const value: unknown = JSON.parse(text.replace(/^\ufeff/, ""));
    if (isJSONObject(value)) return value;
  } catch {
    // The text is left out of the error: it may hold passwords.
  }
  throw new InvalidConfigError(`Cannot read ${path}: it is no JSON object`, { input: path });
}

/** Reads a context of the docker command (cli/context/store): files are found by the name's hash. */
async function readContext(
  lookup: EngineLookup,
  folder: string | undefined,
  name: string,
): Promise<Pick<EngineLocation, "endpoint" | "context" | "tls">> {
  const id = digestBytes("sha256", new TextEncoder().encode(name)).slice("sha256:".length);
  const path = `${folder}/contexts/meta/${id}/meta.json`;
  const meta = folder === undefined ? {} : await readJSON(lookup, path);
  const { Endpoints: endpoints } = meta;
  const docker = isJSONObject(endpoints) ? endpoints["docker"] : undefined;
  if (meta["Name"] !== name || !isJSONObject(docker)) {
    const why = meta["Name"] === name ? "it has no engine" : "there is none of this name";
    throw new InvalidConfigError(
      `Cannot use the Docker context ${JSON.stringify(name)}: ${why}; ` +
        "`docker context ls` shows those that are there",
      { input: name },
    );
  }
  const files = await readTLS(lookup, `${folder}/contexts/tls/${id}/docker`);
  const isSecure = Object.values(files).some((file) => file !== undefined) ||
    docker["SkipTLSVerify"] === true;
  const { isWindows } = lookup;
  const endpoint = parseEngineHost(textField(docker, "Host"), { isSecure, isWindows });
  const isTLS = endpoint.kind === "tcp" && endpoint.isSecure;
  const isVerified = docker["SkipTLSVerify"] !== true;
  return {
    endpoint,
    context: name,
    tls: isTLS ? lookup.tls ?? { ...files, isVerified } : undefined,
  };
}

async function readTLS(
  { readFile }: EngineLookup,
  folder: string | undefined,
): Promise<Pick<EngineTLS, "ca" | "cert" | "key">> {
  if (folder === undefined) return {};
  const [ca, cert, key] = await Promise.all(
    ["ca.pem", "cert.pem", "key.pem"].map((name) => readFile(`${folder}/${name}`)),
  );
  checkCertificate({ cert, key }, folder);
  return { ca, cert, key };
}

/** Refuses half of what a client proves itself with. */
function checkCertificate({ cert, key }: EngineTLS, folder?: string): void {
  if ((cert === undefined) === (key === undefined)) return;
  const half = key === undefined ? "a certificate and no key" : "a key and no certificate";
  throw new InvalidConfigError(
    `Cannot prove who asks: there is ${half}${folder === undefined ? "" : ` in ${folder}`}`,
    { input: folder ?? "" },
  );
}

/** The proxies for the engine, or for all, as arguments of builds. */
function proxiesOf(config: JSONObject, host: string): Readonly<Record<string, string>> {
  const { proxies } = config;
  if (!isJSONObject(proxies)) return {};
  const chosen = proxies[host] ?? proxies["default"];
  if (!isJSONObject(chosen)) return {};
  const values: Record<string, string> = {};
  for (const [field, variable] of Object.entries(PROXIES)) {
    const value = textField(chosen, field);
    if (value === "") continue;
    values[variable.toUpperCase()] = value;
    values[variable] = value;
  }
  return values;
}
