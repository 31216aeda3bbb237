/** What the command adds to an error: the option, or the place, that helps. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import assert from "node:assert/strict";
import { meantPlace } from "../../lib/cli/_meant_place.ts";
import { RegistryError } from "../../lib/model/errors.ts";
import { inScratch, missing, mustRun } from "../support/program.ts";
import { lading, type Run, withRegistry } from "./lading_main.ts";
import { startServer } from "./loopback.ts";

const PLATFORM = ["--platform", "linux/amd64"];

function assertFailed({ code, errors }: Run, expected: number, end: string): void {
  assert.equal(code, expected, errors);
  assert.match(errors, /^lading: [^\n]+\n$/);
  assert.ok(errors.endsWith(`${end}\n`), errors);
}

/** Runs in a folder: paths are written as users write them. */
async function inFolder(folder: string, work: () => Promise<void>): Promise<void> {
  const before = process.cwd();
  process.chdir(folder);
  try {
    await work();
  } finally {
    process.chdir(before);
  }
}

test("a directory or an archive that is taken for a reference is named as the place it is", () =>
  withRegistry((image, folder) =>
    inFolder(folder, async () => {
      assert.equal((await lading("pull", image, "oci:./app", ...PLATFORM)).code, 0);
      assert.equal((await lading("pull", image, "docker-archive:app.tar", ...PLATFORM)).code, 0);
      for (const command of ["inspect", "ls", "digest", "validate", "tags", "manifest", "config"]) {
        assertFailed(await lading(command, "./app"), 2, "; did you mean oci:./app?");
      }
      assertFailed(await lading("copy", "./app", "oci:other"), 2, "; did you mean oci:./app?");
      assertFailed(
        await lading("copy", "./app.tar", "oci:o"),
        2,
        "did you mean oci-archive:./app.tar?",
      );
      const archives = "; docker-archive:- and oci-archive:- are archives on stdin";
      assertFailed(await lading("copy", "-", "oci:other"), 2, archives);
      const ways = "; a layout is oci:DIR, an archive oci-archive:FILE or docker-archive:FILE";
      assertFailed(await lading("ls", "./none"), 2, ways);
      assertFailed(await lading("ls", "Upper"), 2, "repository name must be lowercase");
    })
  ));

test("a layout or an archive is named as the place it is where Docker Hub is not reached", () =>
  withRegistry((image, folder) =>
    inFolder(folder, async () => {
      assert.equal((await lading("pull", image, "oci:./app", ...PLATFORM)).code, 0);
      assert.equal((await lading("pull", image, "docker-archive:app.tar", ...PLATFORM)).code, 0);
      const hub = { status: 0, method: "GET", url: "https://registry-1.docker.io/v2/" };
      const message = 'Cannot reach "registry-1.docker.io": there is no such host';
      const advised = (...args: string[]) => meantPlace(new RegistryError(message, hub), args);
      assert.equal(await advised("app"), "did you mean oci:app?");
      assert.equal(await advised("alpine:3.20", "app.tar"), "did you mean oci-archive:app.tar?");
      assert.equal(await advised("alpine:3.20", "ghcr.io/acme/app"), undefined);
    })
  ));

test("an archive that is none is named in the error", () =>
  inScratch(async (folder) => {
    const path = join(folder, "notes.txt");
    writeFileSync(path, "no archive");
    for (const transport of ["oci-archive", "docker-archive"]) {
      const { code, errors } = await lading("inspect", `${transport}:${path}`);
      assert.equal(code, 6, errors);
      assert.match(
        errors,
        /^lading: Cannot open (?:OCI|docker) archive "[^"]+notes\.txt": Cannot read/,
      );
    }
  }));

test("lading pull takes a path as a layout, and takes no registry for a directory", () =>
  withRegistry((image, folder) =>
    inFolder(folder, async () => {
      for (const path of ["./app", "./app:two", join(folder, "whole")]) {
        const { code, errors } = await lading("pull", image, path, ...PLATFORM);
        assert.equal(code, 0, errors);
        assert.equal((await lading("validate", `oci:${path}`)).code, 0);
      }
      const pulled = (place: string) => lading("pull", image, place, ...PLATFORM);
      assertFailed(
        await pulled("app"),
        2,
        "oci:./app is a layout, and lading copy copies to registries",
      );
      assertFailed(await pulled("app.tar"), 2, "docker-archive:app.tar for docker load");
    })
  ));

test("files that are there already are replaced with --replace, and the error says so", () =>
  withRegistry(async (image, folder) => {
    const [tree, files] = [join(folder, "tree"), join(folder, "files")];
    const extract = ["extract", image, tree, ...PLATFORM];
    assert.equal((await lading(...extract)).code, 0);
    assertFailed(await lading(...extract), 1, "; --replace replaces files");
    assert.equal((await lading(...extract, "--replace")).code, 0);
    const artifact = `oci:${folder}/notes:1`;
    writeFileSync(join(folder, "note.txt"), "note");
    const note = [join(folder, "note.txt"), "--artifact-type", "text/x-note"];
    assert.equal((await lading("artifact", "push", artifact, ...note)).code, 0);
    assert.equal((await lading("artifact", "pull", artifact, files)).code, 0);
    assertFailed(
      await lading("artifact", "pull", artifact, files),
      1,
      "; --replace replaces files",
    );
  }));

test("http where https is spoken, and https where http is, name the option", () =>
  withRegistry(async (image) => {
    const https = await startServer((_, response) => {
      response.writeHead(400).end("Client sent an HTTP request to an HTTPS server.\n");
    });
    try {
      const name = `127.0.0.1:${https.port}/app`;
      assertFailed(
        await lading("tags", name),
        1,
        "; it speaks https: give --ca-cert FILE, or --insecure for any certificate",
      );
      assertFailed(
        await lading("tags", name, "--plain-http"),
        1,
        "it speaks https: leave --plain-http out",
      );
    } finally {
      await https.close();
    }
    const { code, errors } = await lading("digest", image, "--insecure");
    assert.equal(code, 1, errors);
    assert.match(errors, /; it seems to speak no https: --plain-http\n$/);
  }));

test("a certificate that is not trusted names the options that trust it", {
  skip: missing("openssl"),
}, () =>
  inScratch(async (folder) => {
    const [keyFile, certificate] = [join(folder, "server.key"), join(folder, "server.crt")];
    await mustRun("openssl", [
      ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"],
      ...["-days", "2", "-subj", "/CN=localhost", "-keyout", keyFile, "-out", certificate],
      ...[
        "-addext",
        "subjectAltName=IP:127.0.0.1",
        "-addext",
        "basicConstraints=critical,CA:FALSE",
      ],
    ]);
    const tls = { key: readFileSync(keyFile, "utf8"), cert: readFileSync(certificate, "utf8") };
    const server = await startServer((_, response) => void response.writeHead(404).end(), { tls });
    try {
      // Where certificates are named, https is spoken on loopback too; the key shows none to trust.
      const other = ["--client-cert", certificate, "--client-key", keyFile];
      const run = await lading("digest", `127.0.0.1:${server.port}/app:1`, ...other);
      assertFailed(run, 1, "; --ca-cert FILE trusts its authority, --insecure any certificate");
      const trusted = await lading(
        "digest",
        `127.0.0.1:${server.port}/app:1`,
        "--ca-cert",
        certificate,
      );
      assert.equal(trusted.code, 3, trusted.errors);
      const rows = [
        [["--ca-cert", keyFile], `--ca-cert: ${keyFile} has no certificate in PEM`],
        [
          ["--client-cert", certificate, "--client-key", certificate],
          `--client-key: ${certificate} has no private key in PEM`,
        ],
      ] as const;
      for (const [options, end] of rows) {
        assertFailed(await lading("digest", "127.0.0.1:1/app:1", ...options), 2, end);
      }
    } finally {
      await server.close();
    }
  }));

test("lading cat of a directory is a failure that says what lists it", () =>
  withRegistry(async (image, folder) => {
    const place = `oci:${folder}/tree:1`;
    mkdirSync(join(folder, "files", "etc"), { recursive: true });
    writeFileSync(join(folder, "files", "etc", "motd"), "hello\n");
    const made = await lading("append", "scratch", `${folder}/files:/`, "--to", place);
    assert.equal(made.code, 0, made.errors);
    assert.equal((await lading("cat", place, "/etc/motd")).out, "hello\n");
    const directory = await lading("cat", place, "/etc");
    assert.deepEqual([directory.code, directory.out], [1, ""]);
    assert.equal(
      directory.errors,
      'lading: Cannot read "/etc": it is a directory, not a file; ' +
        "lading ls lists it, lading export archives the tree\n",
    );
    assert.equal((await lading("cat", place, "/none")).code, 3);
    const artifact = await lading("artifact", "push", image, join(folder, "files", "etc", "motd"));
    assert.equal(artifact.code, 0, artifact.errors);
    const refused = await lading("append", image, `${folder}/files:/`, "--to", place);
    assert.equal(refused.code, 1);
    assert.match(
      refused.errors,
      /: it is an artifact \(application\/vnd\.unknown\.artifact\.v1\)\n$/,
    );
  }));
