// Certificates of an authority that nobody knows.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { mustRun } from "./program.ts";

/** What TLS needs, in PEM. */
export interface Certificates {
  readonly ca: string;
  readonly server: { readonly cert: string; readonly key: string };
  readonly client: { readonly cert: string; readonly key: string };
}

/**
 * Makes an authority (`ca.pem`), and by it certificates of a server on loopback and of a client
 * (`server.pem`, `server.key`, `client.pem`, `client.key`).
 */
export async function makeCertificates(folder: string): Promise<Certificates> {
  const openssl = (...args: string[]) => mustRun("openssl", args, { cwd: folder });
  const key = ["-newkey", "rsa:2048", "-nodes"];
  const ca = ["-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=ca"];
  await openssl("req", "-x509", ...key, ...ca);
  for (const name of ["server", "client"]) {
    const request = ["-keyout", `${name}.key`, "-out", `${name}.csr`, "-subj", `/CN=${name}`];
    await openssl("req", ...key, ...request);
    const usage = `extendedKeyUsage=${name}Auth\nsubjectAltName=IP:127.0.0.1,DNS:localhost\n`;
    writeFileSync(join(folder, `${name}.ext`), usage);
    const signed = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2"];
    const files = ["-in", `${name}.csr`, "-out", `${name}.pem`, "-extfile", `${name}.ext`];
    await openssl("x509", "-req", ...files, ...signed);
  }
  const read = (name: string) => readFileSync(join(folder, name), "utf8");
  return {
    ca: read("ca.pem"),
    server: { cert: read("server.pem"), key: read("server.key") },
    client: { cert: read("client.pem"), key: read("client.key") },
  };
}
