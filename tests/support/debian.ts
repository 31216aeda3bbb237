// A Debian root file system of 200 MB as an image, made by debootstrap, umoci and skopeo.
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { mustRun } from "./program.ts";

/** What has to be there. */
export const DEBIAN_NEEDS: readonly string[] = ["debootstrap", "umoci", "skopeo"];

const CACHE = resolve(".cache/debian");

/**
 * Gives an OCI layout with the image `debian`, gzip, which is kept for the next run. Needs root.
 *
 * @returns The folder.
 */
export async function debianLayout(): Promise<string> {
  const layout = join(CACHE, "layout");
  if (existsSync(layout)) return layout;
  rmSync(CACHE, { recursive: true, force: true });
  mkdirSync(CACHE, { recursive: true });
  const rootfs = join(CACHE, "rootfs");
  const draft = join(CACHE, "draft");
  await mustRun("debootstrap", ["--variant=minbase", "bookworm", rootfs], { timeoutMs: 900_000 });
  await mustRun("umoci", ["init", "--layout", draft]);
  await mustRun("umoci", ["new", "--image", `${draft}:debian`]);
  await mustRun("umoci", ["insert", "--image", `${draft}:debian`, rootfs, "/"]);
  const config = ["--architecture=amd64", "--os=linux", "--config.cmd=/bin/sh"];
  await mustRun("umoci", ["config", "--image", `${draft}:debian`, ...config]);
  await mustRun("umoci", ["gc", "--layout", draft]);
  rmSync(rootfs, { recursive: true });
  renameSync(draft, layout);
  return layout;
}

/** Pushes the image to a registry as `debian:gzip` and `debian-zstd:zstd`. */
export async function pushDebian(host: string, scratch: string): Promise<void> {
  const layout = `oci:${await debianLayout()}:debian`;
  const copy = ["copy", "--quiet", "--dest-tls-verify=false"];
  const plain = `dir:${join(scratch, "plain")}`;
  await mustRun("skopeo", ["copy", "--quiet", "--dest-decompress", layout, plain]);
  // skopeo takes any form of a layer that it knows to be there, unless digests are to be kept.
  const zstd = ["--dest-compress", "--dest-compress-format=zstd"];
  const name = `docker://${host}/debian-zstd:zstd`;
  await mustRun("skopeo", [...copy, ...zstd, plain, name]);
  await mustRun("skopeo", [...copy, "--preserve-digests", layout, `docker://${host}/debian:gzip`]);
}
