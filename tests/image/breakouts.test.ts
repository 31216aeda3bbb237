import { test } from "node:test";
import assert from "node:assert/strict";
import { readAll, streamOf } from "../../lib/bytes/mod.ts";
import { exportRootfs, type Image } from "../../lib/image/mod.ts";
import { isLadingError, NotFoundError, UnsafePathError } from "../../lib/model/errors.ts";
import { readTar, sanitizePath } from "../../lib/tar/mod.ts";
import { breakoutImage, breakoutRows } from "./breakout_rows.ts";
import { textOf } from "./images.ts";

/** Names with `..` are refused, where containerd would clean them. */
const REFUSED = ["SymlinkParentDirectory", "SymlinkParentRelative", "WhiteoutRelativePath"];

test("every archive of the breakout table is merged or refused as the table says", async () => {
  let count = 0;
  for (const row of await breakoutRows()) {
    const image = await breakoutImage(row);
    const { name } = row;
    count++;
    if (row.error || REFUSED.includes(name)) {
      await assert.rejects(image.rootfs(), (e: unknown) => e instanceof UnsafePathError, name);
      continue;
    }
    const rootfs = await image.rootfs();
    for (const { path } of rootfs.entries()) assert.equal(sanitizePath(path), path, name);
  }
  assert.equal(count, 34);
});

test("the export of every archive of the breakout table names nothing outside of its root", async () => {
  for (const row of await breakoutRows()) {
    const image = await breakoutImage(row);
    let archive;
    try {
      archive = await readAll(exportRootfs(image), { maxBytes: 1 << 24 });
    } catch (error) {
      assert.ok(isLadingError(error), row.name);
      continue;
    }
    const others = new Set<string>();
    for await (const { path: raw, type, linkPath = "" } of readTar(streamOf(archive))) {
      const path = sanitizePath(raw);
      const parts = path.split("/");
      for (let i = 1; i <= parts.length; i++) {
        const above = parts.slice(0, i).join("/");
        assert.ok(!others.has(above), `${row.name}: ${raw} is below or in place of ${above}`);
      }
      if (type !== "directory") others.add(path);
      if (type === "hardlink") assert.equal(sanitizePath(linkPath), linkPath, row.name);
    }
  }
});

async function image(name: string): Promise<Image> {
  const row = (await breakoutRows()).find((one) => one.name === name);
  if (row === undefined) throw new Error(`the table has no row ${name}`);
  return await breakoutImage(row);
}

test("an entry below a symbolic link lands where the link points to inside of the root", async () => {
  const names = [
    "SymlinkAbsolute",
    "SymlinkUpAndOut",
    "SymlinkMultipleAbsolute",
    "SymlinkMultipleRelative",
  ];
  for (const name of names) {
    assert.equal(await textOf(await image(name), "/etc/unbroken"), "unbroken", name);
  }
  assert.equal(await textOf(await image("SymlinkEmptyFile"), "/etc/emptied"), "");
});

test("a hard link through symbolic links is another name of the file inside of the root", async () => {
  const links: [string, string][] = [
    ["HardlinkRelative", "breakouts/mypasswd"],
    ["HardlinkDownAndOut", "breakouts/mypasswd"],
    ["HardlinkAbsolute", "localpasswd"],
    ["HardlinkRelativeLong", "localpasswd"],
    ["HardlinkRelativeUpAndOut", "localpasswd"],
    ["HardlinkDirectRelative", "localpasswd"],
    ["HardlinkDirectAbsolute", "localpasswd"],
    ["SymlinkEmptyFilename", "localpasswd"],
    ["SymlinkSlashEnded", "localetc/localpasswd"],
    ["SymlinkOverrideDirectory", "localetc/localpasswd"],
    ["SymlinkOverrideDirectoryRelative", "localetc/localpasswd"],
    ["DirectoryOverrideSymlink", "localetc/localpasswd"],
    ["HardlinkSymlinkRelative", "localpasswd"],
    ["HardlinkSymlinkAbsolute", "localpasswd"],
  ];
  for (const [name, path] of links) {
    const one = await image(name);
    assert.equal(await textOf(one, path), "inside", name);
    const rootfs = await one.rootfs();
    const link = rootfs.stat(path, { follow: false });
    assert.equal(link.type, name.startsWith("HardlinkSymlink") ? "symlink" : "file", name);
    assert.equal(link.links, 2, name);
  }
});

test("a hard link to a symbolic link shows what the link leads to later", async () => {
  assert.equal(
    await textOf(await image("HardlinkSymlinkBeforeCreateTarget"), "localpasswd-dup"),
    "after",
  );
});

test("a directory replaces a symbolic link, and does not write through it", async () => {
  const one = await image("DirectoryOverrideSymlinkAndHardlink");
  assert.equal(await textOf(one, "etc/passwd"), "inside");
  assert.equal(await textOf(one, "localetc/localpasswd"), "different");
  const other = await image("SymlinkOverridePath");
  assert.equal(await textOf(other, "foo/tmp/breakout-TMPNAME"), "\x06\x07\x08");
});

test("whiteouts never delete what a link at their end points to", async () => {
  const one = await image("WhiteoutSymlink");
  assert.equal(await textOf(one, "etc/passwd"), "all users");
  await assert.rejects(one.readFile("localetc"), NotFoundError);
  const through = await image("WhiteoutSymlinkPath");
  assert.equal(await textOf(through, "etc/passwd"), "all users");
  await assert.rejects(through.readFile("etc/whitedout"), NotFoundError);
  const plain = await image("WhiteoutDirectoryName");
  assert.equal(await textOf(plain, ".wh.etc/somefile"), "non-empty");
  assert.equal(await textOf(await image("WhiteoutDeadSymlinkParent"), "etc/passwd"), "all users");
});
