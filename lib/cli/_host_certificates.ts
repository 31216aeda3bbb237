// The certificates that docker, podman and skopeo keep for registries: a directory for each host.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { InvalidConfigError } from "../model/errors.ts";
import type { Transport } from "../model/transport.ts";
import { tlsTransport, type TLSTransportOptions } from "../runtime/tls_transport.ts";
import { holdsPEM, type PEMContent } from "./_pem.ts";

/** Where these directories are; the first that a host has one in counts, its user's before the others. */
function places(): string[] {
  return [
    join(homedir(), ".config/containers/certs.d"),
    "/etc/containers/certs.d",
    "/etc/docker/certs.d",
  ];
}

/**
 * Has requests to hosts that certificates are kept for sent with them; all others go as usual.
 *
 * @param usual Sends the others.
 * @returns The transport.
 */
export function withHostCertificates(usual: Transport): Transport {
  const directories = places().filter((path) => existsSync(path));
  if (directories.length === 0) return usual;
  const transports = new Map<string, Transport>();
  const transportTo = (host: string): Transport => {
    const directory = directories.map((path) => join(path, host)).find((path) => existsSync(path));
    const certificates = directory === undefined ? undefined : certificatesIn(directory);
    return certificates === undefined ? usual : tlsTransport(certificates);
  };
  const send: Transport = async (request) => {
    const { protocol, host } = new URL(request.url);
    if (protocol !== "https:") return await usual(request);
    const transport = transports.get(host) ?? transportTo(host);
    transports.set(host, transport);
    return await transport(request);
  };
  return Object.assign(send, { traits: usual.traits });
}

/** Reads a directory as docker does: `*.crt` are authorities, `*.cert` and `*.key` are the client's. */
function certificatesIn(directory: string): TLSTransportOptions | undefined {
  const names = readdirSync(directory).sort();
  const pem = (name: string, content: PEMContent): string =>
    readPEM(join(directory, name), content);
  const ca = names.filter((name) => name.endsWith(".crt"))
    .map((name) => pem(name, "certificate")).join("\n");
  const client = names.find((name) => name.endsWith(".cert"));
  if (ca === "" && client === undefined) return undefined;
  const trusted = ca === "" ? {} : { ca };
  if (client === undefined) return trusted;
  const key = client.replace(/cert$/, "key");
  if (!names.includes(key)) {
    throw new InvalidConfigError(
      `Cannot use the certificate ${join(directory, client)}: its key ${key} is not beside it`,
      { input: directory },
    );
  }
  return { ...trusted, cert: pem(client, "certificate"), key: pem(key, "private key") };
}

function readPEM(path: string, content: PEMContent): string {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    throw new InvalidConfigError(`Cannot read the ${content} ${path}`, { input: path, cause });
  }
  if (holdsPEM(text, content)) return text;
  throw new InvalidConfigError(`Cannot use ${path}: it has no ${content} in PEM`, { input: path });
}
