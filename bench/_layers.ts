// The layers that benches work on, made on this machine.
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { DEBIAN_NEEDS, debianLayout } from "../tests/support/debian.ts";
import { missing, mustRun } from "../tests/support/program.ts";

/** A Debian root file system as umoci packs it, gzip: 95 MB, 204 MB unpacked. */
export async function debianLayer(): Promise<Uint8Array> {
  const absent = missing(...DEBIAN_NEEDS);
  if (absent !== false) throw new Error(`this bench ${absent}`);
  const blobs = join(await debianLayout(), "blobs/sha256");
  const paths = readdirSync(blobs).map((name) => join(blobs, name));
  const [layer] = paths.sort((one, other) => statSync(other).size - statSync(one).size);
  if (layer === undefined) throw new Error(`no blob in ${blobs}`);
  return readFileSync(layer);
}

/** Packages that are programs of the platform, not JavaScript. */
const PROGRAMS = [
  ...["deno", "@deno", "bun", "@oven", "node", "workerd", "@cloudflare", "@esbuild", "@typescript"],
  ...["esbuild/bin", "binaryen/bin", ".bin"],
];

/** The node_modules of this checkout as a tar of text. Made once, so that runs can be compared. */
export async function nodeModulesTar(): Promise<Uint8Array> {
  const path = resolve(".cache/node_modules.tar");
  if (!existsSync(path)) {
    mkdirSync(dirname(path), { recursive: true });
    const excluded = PROGRAMS.map((name) => `--exclude=./${name}`);
    const draft = `${path}.part`;
    await mustRun("tar", ["-C", "node_modules", "--sort=name", ...excluded, "-cf", draft, "."]);
    renameSync(draft, path);
  }
  return readFileSync(path);
}
