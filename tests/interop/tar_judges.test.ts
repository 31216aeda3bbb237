// GNU tar and bsdtar judge: what lading writes they list and extract as it was meant, and what they
// write lading reads as it lies on the disk.
import { createHash } from "node:crypto";
import {
  closeSync,
  ftruncateSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openAsBlob,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import assert from "node:assert/strict";
import { readAll, streamOf } from "../../lib/bytes/mod.ts";
import type { Bytes, ByteStream } from "../../lib/model/bytes.ts";
import { readTar, type TarEntry, type TarInput, writeTar } from "../../lib/tar/mod.ts";
import { inScratch, missing, mustRun, type Ran } from "../support/program.ts";

const skip = missing("bsdtar");
const SECOND_NS = 1_000_000_000n;
const ENV = { TZ: "UTC", LC_ALL: "C.UTF-8" };
const encode = (text: string): Bytes => new TextEncoder().encode(text);
const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

function gnuTar(args: readonly string[], cwd: string): Promise<Ran> {
  return mustRun("tar", args, { env: ENV, cwd });
}

function bsdtar(args: readonly string[], cwd: string): Promise<Ran> {
  return mustRun("bsdtar", args, { env: ENV, cwd });
}

/** What an entry or a path comes to; `content` is a digest, a target or a device number. */
interface Fact {
  readonly type: string;
  readonly mode: number;
  readonly owner: string;
  readonly mtimeNs: bigint;
  readonly content: string;
}

const LETTERS: Readonly<Record<string, string>> = {
  "file": "-",
  "hardlink": "h",
  "symlink": "l",
  "character-device": "c",
  "block-device": "b",
  "directory": "d",
  "fifo": "p",
};

/** A tree of everything that an archive can hold. */
function everything(): TarInput[] {
  const long = `${"long-directory/".repeat(12)}${"n".repeat(180)}`;
  const bytes = Uint8Array.from({ length: 70_000 }, (_, index) => (index * 7919) >> 3);
  const at = (seconds: number, ns = 0): bigint => BigInt(seconds) * SECOND_NS + BigInt(ns);
  return [
    { path: "dir", type: "directory", mode: 0o1777, mtimeNs: at(1_700_000_000, 123_456_789) },
    { path: "dir/plain", body: encode("plain\n"), mtimeNs: at(1_700_000_000) },
    { path: "dir/empty", mode: 0, mtimeNs: at(0) },
    { path: "dir/half", body: bytes.slice(0, 512), mtimeNs: at(1_500_000_000, 500_000_000) },
    { path: "dir/large", body: bytes, mode: 0o4755, uid: 1000, gid: 1000, mtimeNs: at(1, 1) },
    { path: "dir/ids", body: encode("x"), uid: 2_097_152, gid: 4_000_000_000, mtimeNs: at(7) },
    { path: "dir/early", body: encode("1901"), mtimeNs: at(-2_147_483_000) },
    { path: "dir/late", body: encode("2242"), mtimeNs: at(8_589_934_592) },
    { path: "dir/attributes", body: encode("x"), mtimeNs: at(9), xattrs: XATTRS },
    { path: "x".repeat(100), body: encode("100"), mtimeNs: at(10) },
    { path: "y".repeat(101), body: encode("101"), mtimeNs: at(11) },
    { path: `${"p".repeat(155)}/${"q".repeat(100)}`, body: encode("256"), mtimeNs: at(12) },
    { path: `${"p".repeat(156)}/${"q".repeat(100)}`, body: encode("257"), mtimeNs: at(13) },
    { path: long, body: encode("long"), mtimeNs: at(14) },
    { path: "größe/naïve 文件", body: encode("ü"), mtimeNs: at(15) },
    { path: "dir/spaces  and = \\ * ? [x]", body: encode("odd"), mtimeNs: at(16) },
    { path: "?", pathBytes: Uint8Array.of(0x64, 0x69, 0x72, 0x2f, 0xff, 0xe9), mtimeNs: at(17) },
    { path: "hard", type: "hardlink", linkPath: "dir/plain", mtimeNs: at(1_700_000_000) },
    { path: "hard-long", type: "hardlink", linkPath: long, mtimeNs: at(14) },
    { path: "soft", type: "symlink", linkPath: "dir/plain", mode: 0o777, mtimeNs: at(18, 5000) },
    { path: "soft-100", type: "symlink", linkPath: "t".repeat(100), mode: 0o777, mtimeNs: at(19) },
    { path: "soft-long", type: "symlink", linkPath: long, mode: 0o777, mtimeNs: at(20) },
    { path: "soft-ü", type: "symlink", linkPath: "../ü", mode: 0o777, mtimeNs: at(21) },
    { path: "fifo", type: "fifo", mode: 0o600, mtimeNs: at(22) },
    { path: "null", type: "character-device", deviceMajor: 1, deviceMinor: 3, mtimeNs: at(23) },
    { path: "loop", type: "block-device", deviceMajor: 7, deviceMinor: 255, mtimeNs: at(24) },
  ];
}

const XATTRS: ReadonlyMap<string, Bytes> = new Map([
  ["user.binary", Uint8Array.of(0, 61, 10, 255, 0)],
  ["user.größe", encode("ü=1")],
  ["user.text", encode("plain")],
]);

/** Entries of random kinds, in one flat directory. */
function manyEntries(count: number): TarInput[] {
  let state = 1;
  const next = (below: number): number => {
    state = Math.imul(state, 1664525) + 1013904223 >>> 0;
    return Math.floor(state / 2 ** 32 * below);
  };
  const alphabet = ["a", "B", "0", "-", "_", ".", " ", "ü", "文", "=", "+", "~"];
  const inputs: TarInput[] = [];
  for (let index = 0; index < count; index++) {
    const word = (length: number): string =>
      Array.from({ length }, () => alphabet[next(alphabet.length)]).join("");
    const path = `many/${index}${word(next(4) === 0 ? next(90) : next(12))}x`;
    const meta = {
      path,
      mode: next(0o10000),
      uid: next(3) === 0 ? next(2 ** 32 - 2) : next(70_000),
      gid: next(3) === 0 ? next(2 ** 32 - 2) : next(70_000),
      mtimeNs: BigInt(next(2 ** 31)) * SECOND_NS + BigInt(next(3) === 0 ? next(1e9) : 0),
    };
    const kind = next(6);
    if (kind === 0) inputs.push({ ...meta, type: "directory" });
    else if (kind === 1) inputs.push({ ...meta, type: "symlink", linkPath: `${word(next(150))}x` });
    else inputs.push({ ...meta, body: new Uint8Array(next(1500)).fill(next(256)) });
  }
  return inputs;
}

const nameOf = ({ path, pathBytes, type }: TarInput): string => {
  const name = pathBytes === undefined ? path : new TextDecoder().decode(pathBytes);
  return type === "directory" ? `${name}/` : name;
};

function defaultMode({ type }: TarInput): number {
  return type === "directory" ? 0o755 : 0o644;
}

function contentOf(input: TarInput): string {
  const { type = "file", body, linkPath, deviceMajor, deviceMinor } = input;
  if (type === "file") return sha256(body instanceof Uint8Array ? body : new Uint8Array());
  if (type.endsWith("device")) return `${deviceMajor},${deviceMinor}`;
  return linkPath ?? "";
}

/** What an archive was meant to hold. */
function factsOf(inputs: readonly TarInput[]): Map<string, Fact> {
  return new Map(inputs.map((input) => [nameOf(input), {
    type: LETTERS[input.type ?? "file"] ?? "",
    mode: input.mode ?? defaultMode(input),
    owner: `${input.uid ?? 0}:${input.gid ?? 0}`,
    mtimeNs: input.mtimeNs ?? 0n,
    content: contentOf(input),
  }]));
}

/** What lading reads in an archive. */
async function readFacts(archive: ByteStream): Promise<Map<string, Fact>> {
  const facts = new Map<string, Fact>();
  for await (const entry of readTar(archive)) {
    const { type, path, mode, uid, gid, mtimeNs, deviceMajor, deviceMinor } = entry;
    const content = type === "file"
      ? sha256(await entry.bytes(1 << 26))
      : type.endsWith("device")
      ? `${deviceMajor},${deviceMinor}`
      : entry.linkPath ?? "";
    assert.ok(!facts.has(path), `${path} is there twice`);
    facts.set(path, {
      type: LETTERS[type] ?? type,
      mode,
      owner: `${uid}:${gid}`,
      mtimeNs,
      content,
    });
  }
  return facts;
}

const streamFile = async (path: string): Promise<ByteStream> =>
  (await openAsBlob(path)).stream() as ByteStream;

/** The content of a path on the disk. */
function diskContent(full: string, letter: string): string {
  if (letter === "-") return sha256(readFileSync(full));
  if (letter === "l") return readlinkSync(full);
  if (letter !== "c" && letter !== "b") return "";
  // makedev(3) of Linux: 12 bits of major number, 20 of minor, interleaved.
  const device = Number(lstatSync(full, { bigint: true }).rdev);
  return `${device >> 8 & 0xfff},${device & 0xff | (device >>> 12 & ~0xff)}`;
}

/** What lies on the disk. The later names of a file are hard links to the first in `order`. */
function diskFacts(root: string, order: readonly string[]): Map<string, Fact> {
  const names = new Map<bigint, string>();
  const facts = new Map<string, Fact>();
  const kinds: Readonly<Record<number, string>> = {
    0o100000: "-",
    0o120000: "l",
    0o020000: "c",
    0o060000: "b",
    0o040000: "d",
    0o010000: "p",
  };
  for (const path of order) {
    // Names that are no UTF-8 go through as bytes.
    const full = join(root, path.replace(/\/$/, ""));
    const info = lstatSync(full, { bigint: true });
    const mode = Number(info.mode);
    const letter = kinds[mode & 0o170000] ?? "";
    const first = letter === "d" ? undefined : names.get(info.ino);
    if (first === undefined) names.set(info.ino, path);
    facts.set(path, {
      type: first === undefined ? letter : "h",
      mode: mode & 0o7777,
      owner: `${info.uid}:${info.gid}`,
      mtimeNs: info.mtimeNs,
      content: first ?? diskContent(full, letter),
    });
  }
  return facts;
}

function pathsBelow(root: string, path = ""): string[] {
  return readdirSync(join(root, path), { withFileTypes: true })
    .sort((a, b) => a.name < b.name ? -1 : 1)
    .flatMap((item) => {
      const name = path === "" ? item.name : `${path}/${item.name}`;
      return item.isDirectory() ? [`${name}/`, ...pathsBelow(root, name)] : [name];
    });
}

/** Compares by path, so that a difference is told by its name. */
function assertFacts(
  actual: ReadonlyMap<string, Fact>,
  expected: ReadonlyMap<string, Fact>,
  label: string,
): void {
  for (const [path, fact] of expected) {
    assert.deepEqual(actual.get(path), fact, `${label}: ${path}`);
  }
  assert.deepEqual([...actual.keys()].sort(), [...expected.keys()].sort(), label);
}

/** `2023-11-14 22:13:20.5`, as GNU tar prints times. */
function timeText(ns: bigint): string {
  const fraction = (ns % SECOND_NS + SECOND_NS) % SECOND_NS;
  const date = new Date(Number((ns - fraction) / SECOND_NS) * 1000);
  const digits = fraction.toString().padStart(9, "0").replace(/0+$/, "");
  const text = date.toISOString().slice(0, 19).replace("T", " ");
  return digits === "" ? text : `${text}.${digits}`;
}

function modeText(mode: number): string {
  const letters = [..."rwxrwxrwx"].map((letter, index) => mode & 0o400 >> index ? letter : "-");
  const special = (at: number, bit: number, set: string, bare: string): void => {
    if (mode & bit) letters[at] = letters[at] === "x" ? set : bare;
  };
  special(2, 0o4000, "s", "S");
  special(5, 0o2000, "s", "S");
  special(8, 0o1000, "t", "T");
  return letters.join("");
}

function gnuLine(input: TarInput): string {
  const { type = "file", uid = 0, gid = 0, mtimeNs = 0n, linkPath, body } = input;
  const mode = modeText(input.mode ?? defaultMode(input));
  const size = type.endsWith("device")
    ? contentOf(input)
    : String(body instanceof Uint8Array ? body.length : 0);
  const link = type === "symlink"
    ? ` -> ${linkPath}`
    : type === "hardlink"
    ? ` link to ${linkPath}`
    : "";
  return `${LETTERS[type]}${mode} ${uid}/${gid} ${size} ${timeText(mtimeNs)} ${
    nameOf(input)
  }${link}`;
}

test("GNU tar lists what writeTar() wrote, every field of it, without a warning", {
  skip,
}, async () => {
  await inScratch(async (folder) => {
    const inputs = [...everything(), ...manyEntries(2000)];
    writeFileSync(join(folder, "a.tar"), await readAll(writeTar(inputs), { maxBytes: 1 << 26 }));
    const { stdout, stderr } = await gnuTar([
      ...["-tvf", "a.tar", "--full-time", "--numeric-owner", "--quoting-style=literal"],
      ...["--warning=all", "--warning=no-timestamp"],
    ], folder);
    // The name starts after one space; the columns before it are padded.
    const lines = stdout.trimEnd().split("\n").map((line) => {
      const [, columns = "", name = ""] =
        /^(\S+ +\d+\/\d+ +\S+ \S+ [\d:]+(?:\.\d+)?) +(\S.*)$/.exec(line) ?? [];
      return `${columns.replaceAll(/ +/g, " ").replace(/^(\S)(\S{9})\*/, "$1$2")} ${name}`;
    });
    for (const [index, input] of inputs.entries()) assert.equal(lines[index], gnuLine(input));
    assert.equal(lines.length, inputs.length);
    assert.equal(stderr, "");
  });
});

/** Reads bsdtar's mtree form of an archive. */
function parseMtree(text: string): Map<string, ReadonlyMap<string, string>> {
  const found = new Map<string, ReadonlyMap<string, string>>();
  for (const line of text.trimEnd().split("\n").slice(1)) {
    const [path = "", ...words] = line.split(" ");
    found.set(
      unescapeOctal(path).slice(2),
      new Map(words.map((word) => {
        const at = word.indexOf("=");
        return [word.slice(0, at), unescapeOctal(word.slice(at + 1))];
      })),
    );
  }
  return found;
}

function unescapeOctal(text: string): string {
  const bytes = text.replaceAll(
    /\\([0-7]{3})|[^\\]/gu,
    (all, octal) => octal === undefined ? all : String.fromCharCode(parseInt(octal, 8)),
  );
  return new TextDecoder().decode(Uint8Array.from(bytes, (letter) => letter.charCodeAt(0)));
}

const MTREE_TYPES: Readonly<Record<string, string>> = {
  ...LETTERS,
  "file": "file",
  "hardlink": "file",
  "symlink": "link",
  "character-device": "char",
  "block-device": "block",
  "directory": "dir",
  "fifo": "fifo",
};

test("bsdtar lists what writeTar() wrote, contents included", { skip }, async () => {
  await inScratch(async (folder) => {
    const inputs = [...everything(), ...manyEntries(2000)];
    writeFileSync(join(folder, "a.tar"), await readAll(writeTar(inputs), { maxBytes: 1 << 26 }));
    const keys = ["type", "mode", "uid", "gid", "time", "link", "size", "device", "sha256"];
    const options = ["!all", ...keys].map((key) => `mtree:${key}`).join(",");
    const { stdout, stderr } = await bsdtar(
      ["-cf", "-", "--format=mtree", `--options=${options}`, "@a.tar"],
      folder,
    );
    assert.equal(stderr, "");
    const found = parseMtree(stdout);
    for (const input of inputs) {
      const { type = "file", uid = 0, gid = 0, mtimeNs = 0n, body } = input;
      const name = nameOf(input).replace(/\/$/, "");
      const words = found.get(name);
      // It does not pad nanoseconds.
      const time = `${mtimeNs / SECOND_NS}.${mtimeNs % SECOND_NS}`;
      assert.equal(words?.get("type"), MTREE_TYPES[type], name);
      assert.equal(words?.get("uid"), String(uid), name);
      assert.equal(words?.get("gid"), String(gid), name);
      assert.equal(words?.get("time"), time, name);
      const mode = parseInt(words?.get("mode") ?? "", 8);
      assert.equal(mode, input.mode ?? defaultMode(input), name);
      if (type === "symlink") assert.equal(words?.get("link"), input.linkPath, name);
      if (type.endsWith("device")) {
        assert.equal(words?.get("device"), `native,${contentOf(input)}`, name);
      }
      if (!(body instanceof Uint8Array)) continue;
      assert.equal(words?.get("size"), String(body.length), name);
      assert.equal(words?.get("sha256digest"), sha256(body), name);
    }
    assert.equal(found.size, inputs.length);
  });
});

const EXTRACT: Readonly<Record<string, (folder: string) => Promise<Ran>>> = {
  "GNU tar": (folder) =>
    gnuTar(
      [
        ...["-xpf", "a.tar", "-C", "out", "--numeric-owner", "--xattrs", "--xattrs-include=*"],
        ...["--delay-directory-restore", "--warning=no-timestamp"],
      ],
      folder,
    ),
  "bsdtar": (folder) => bsdtar(["-xpf", "a.tar", "-C", "out", "--numeric-owner"], folder),
};

for (const [judge, extract] of Object.entries(EXTRACT)) {
  test(`${judge} extracts what writeTar() wrote to the tree that was meant`, { skip }, async () => {
    await inScratch(async (folder) => {
      // Node cannot name paths that are no UTF-8; the listings above hold these.
      const inputs = everything().filter(({ pathBytes }) => pathBytes === undefined);
      writeFileSync(join(folder, "a.tar"), await readAll(writeTar(inputs), { maxBytes: 1 << 26 }));
      mkdirSync(join(folder, "out"));
      assert.equal((await extract(folder)).stderr, "");
      const expected = factsOf(inputs);
      // Hard links have the metadata of their file.
      for (const [path, fact] of expected) {
        const file = fact.type === "h" ? expected.get(fact.content) : undefined;
        if (file === undefined) continue;
        expected.set(path, { ...file, type: "h", content: fact.content });
      }
      const found = diskFacts(join(folder, "out"), [...expected.keys()]);
      assertFacts(found, expected, judge);
      // GNU tar compares the archive with the disk in its own way, too.
      await gnuTar(["-df", "a.tar", "-C", "out", "--numeric-owner"], folder);
      await gnuTar([
        ...["-cf", "back.tar", "--format=posix", "--xattrs", "--xattrs-include=user.*"],
        ...["-C", "out", "dir/attributes"],
      ], folder);
      const [entry] = await entriesOf(join(folder, "back.tar"));
      assert.deepEqual(entry?.xattrs, XATTRS, "extended attributes");
    });
  });
}

async function entriesOf(path: string): Promise<TarEntry[]> {
  const entries: TarEntry[] = [];
  for await (const entry of readTar(await streamFile(path))) entries.push(entry);
  return entries;
}

/** The blocks before the content of the only entry of an archive. */
async function headOf(input: TarInput, size: number): Promise<Bytes> {
  const endless = new ReadableStream<Bytes>({}, { highWaterMark: 0 });
  const reader = writeTar([{ ...input, size, body: endless }]).getReader();
  const blocks: Bytes[] = [];
  for (;;) {
    const { value } = await reader.read();
    if (value === undefined) assert.fail("no header");
    blocks.push(value);
    // The header of the file itself is the last block before the content.
    if (value.length === 512 && value[156] === 0x30 && value[257] === 0x75) break;
  }
  // The body never comes.
  reader.cancel().catch(() => {});
  return new Uint8Array(Buffer.concat(blocks));
}

test("GNU tar, bsdtar and readTar() agree on files beyond 8 GiB", { skip }, async () => {
  await inScratch(async (folder) => {
    for (const size of [8 ** 11 - 1, 8 ** 11, 2 ** 40 + 1]) {
      const path = join(folder, "large.tar");
      const head = await headOf({ path: "large", mtime: 1 }, size);
      const tail = await readAll(writeTar([{ path: "after", body: encode("x") }]), {
        maxBytes: 1 << 16,
      });
      // A hole of the disk stands for the content.
      const file = openSync(path, "w");
      writeSync(file, head);
      const end = head.length + Math.ceil(size / 512) * 512;
      ftruncateSync(file, end);
      writeSync(file, tail, 0, tail.length, end);
      closeSync(file);
      const listing = await gnuTar(["-tvf", "large.tar"], folder);
      assert.match(
        listing.stdout,
        new RegExp(`^\\S+ \\S+ +${size} .* large\n.* after\n$`),
        `${size}`,
      );
      const other = await bsdtar(["-tvf", "large.tar"], folder);
      assert.match(other.stdout, new RegExp(`^.* ${size} .* large\n.* after\n$`), `${size}`);
      const { value } = await readTar(streamOf(head)).next();
      assert.equal((value as TarEntry).size, size);
    }
  });
});

/** A tree with what the oldest format can carry. */
function makePlainTree(root: string): void {
  mkdirSync(join(root, "dir/sub"), { recursive: true });
  writeFileSync(join(root, "dir/a"), "a\n", { mode: 0o640 });
  writeFileSync(join(root, "dir/empty"), "");
  writeFileSync(join(root, "dir/sub/block"), new Uint8Array(512).fill(1));
  writeFileSync(join(root, "dir/sub/more"), new Uint8Array(1025).fill(2), { mode: 0o4755 });
  linkSync(join(root, "dir/a"), join(root, "hard"));
  symlinkSync("dir/a", join(root, "soft"));
  for (const path of pathsBelow(root)) {
    lutimesSync(join(root, path), 1_600_000_000, 1_600_000_000 + path.length);
  }
}

/** A tree that needs extensions: long names, special files, holes, large numbers, odd times. */
async function makeFullTree(root: string): Promise<void> {
  const long = `${"deep-directory-name/".repeat(14)}${"f".repeat(200)}`;
  mkdirSync(join(root, long, ".."), { recursive: true });
  writeFileSync(join(root, long), "long\n");
  writeFileSync(join(root, "g".repeat(100)), "100\n");
  writeFileSync(join(root, "größe 文件"), "ü\n");
  writeFileSync(join(root, "x"), "ids\n");
  await mustRun("chown", ["4000000000:3000000000", join(root, "x")]);
  linkSync(join(root, long), join(root, "z-hard"));
  symlinkSync(long, join(root, "z-soft"));
  await mustRun("mkfifo", [join(root, "fifo")]);
  await mustRun("mknod", [join(root, "char"), "c", "1", "3"]);
  await mustRun("mknod", [join(root, "block"), "b", "7", "300"]);
  makeSparse(join(root, "sparse-few"), 3_000_000, [[0, 4096], [1_048_576, 8192]]);
  makeSparse(join(root, "sparse-hole"), 1_000_000, []);
  makeSparse(join(root, "sparse-end"), 2_000_001, [[1_999_999, 2]]);
  // More pieces than one header block and than two extension blocks hold.
  makeSparse(
    join(root, "sparse-many"),
    8_000_000,
    Array.from({ length: 60 }, (_, index) => [index * 131_072, 4096]),
  );
  let index = 0;
  for (const path of pathsBelow(root).reverse()) {
    const seconds = 1_000_000_000 + index++ * 1_000_003;
    lutimesSync(join(root, path), seconds, seconds + (index % 3) / 8);
  }
  utimesSync(join(root, "x"), -5, -5);
}

function makeSparse(path: string, size: number, pieces: readonly (readonly [number, number])[]) {
  writeFileSync(path, "");
  truncateSync(path, size);
  const file = openSync(path, "r+");
  for (const [offset, length] of pieces) {
    writeSync(file, new Uint8Array(length).fill(1 + offset % 251), 0, length, offset);
  }
  closeSync(file);
}

interface Writer {
  readonly name: string;
  /** The full tree; else the plain one. */
  readonly isFull: boolean;
  /** Whether times keep their fractions. */
  readonly hasFractions: boolean;
  readonly write: (folder: string) => Promise<Ran>;
}

const gnuWriter = (isFull: boolean, hasFractions: boolean, ...args: string[]): Writer => ({
  name: `tar ${args.join(" ")}`,
  isFull,
  hasFractions,
  write: (folder) =>
    gnuTar(["-cf", "a.tar", "--numeric-owner", "--sort=name", ...args, "-C", "in", "."], folder),
});
const bsdWriter = (isFull: boolean, hasFractions: boolean, ...args: string[]): Writer => ({
  name: `bsdtar ${args.join(" ")}`,
  isFull,
  hasFractions,
  write: (folder) => bsdtar(["-cf", "a.tar", "--numeric-owner", ...args, "-C", "in", "."], folder),
});

const WRITERS: readonly Writer[] = [
  gnuWriter(false, false, "--format=v7"),
  gnuWriter(false, false, "--format=ustar"),
  gnuWriter(true, false, "--format=oldgnu"),
  gnuWriter(true, false, "--format=gnu"),
  gnuWriter(true, true, "--format=pax"),
  gnuWriter(true, false, "--format=oldgnu", "--sparse"),
  gnuWriter(true, false, "--format=gnu", "--sparse"),
  gnuWriter(true, true, "--format=pax", "--sparse", "--sparse-version=0.0"),
  gnuWriter(true, true, "--format=pax", "--sparse", "--sparse-version=0.1"),
  gnuWriter(true, true, "--format=pax", "--sparse", "--sparse-version=1.0"),
  bsdWriter(false, false, "--format=v7"),
  bsdWriter(false, false, "--format=ustar"),
  bsdWriter(true, false, "--format=gnutar"),
  bsdWriter(true, true, "--format=pax"),
  bsdWriter(true, true, "--format=pax", "--read-sparse"),
];

/** What readTar() has to find in an archive of a folder. */
function expectedOf(root: string, order: readonly string[], hasFractions: boolean) {
  return new Map([...diskFacts(root, order)].map(([path, fact]) => {
    const { mtimeNs, content } = fact;
    return [`./${path}`, {
      ...fact,
      mtimeNs: hasFractions ? mtimeNs : mtimeNs - mtimeNs % SECOND_NS,
      content: fact.type === "h" ? `./${content}` : content,
    }] as const;
  }));
}

/** Writes again what was read. */
async function* copied(archive: ByteStream): AsyncGenerator<TarInput> {
  for await (const entry of readTar(archive)) {
    const { type } = entry;
    if (type === "unknown" || type === "volume-label" || type === "multi-volume") {
      assert.fail(`${entry.path} is a ${type}`);
    }
    const { path, pathBytes, mode, uid, gid, mtimeNs, linkPathBytes, xattrs } = entry;
    const { deviceMajor, deviceMinor, size } = entry;
    const meta = { path, pathBytes, type, mode, uid, gid, mtimeNs, linkPathBytes, xattrs };
    if (type === "file") yield { ...meta, size, body: entry.body };
    else yield { ...meta, deviceMajor, deviceMinor };
  }
}

/** Counts the files that lie in an archive without their holes. */
async function countSparse(path: string): Promise<number> {
  const isSparse = ({ typeFlag, pax }: TarEntry): boolean =>
    typeFlag === "S" || [...pax.keys()].some((key) => key.startsWith("GNU.sparse."));
  return (await entriesOf(path)).filter(isSparse).length;
}

for (const { name, isFull, hasFractions, write } of WRITERS) {
  test(`readTar() reads what ${name} wrote as it lies on the disk`, { skip }, async () => {
    await inScratch(async (folder) => {
      const root = join(folder, "in");
      mkdirSync(root);
      if (isFull) await makeFullTree(root);
      else makePlainTree(root);
      await write(folder);
      const archive = join(folder, "a.tar");
      const found = await readFacts(await streamFile(archive));
      const order = [...found.keys()].map((path) => path.slice(2)).filter((path) => path !== "");
      const expected = expectedOf(root, order, hasFractions);
      assert.deepEqual(order.toSorted(), pathsBelow(root).sort(), name);
      found.delete("./");
      assertFacts(found, expected, name);
      if (name.includes("sparse")) assert.equal(await countSparse(archive), 4, name);

      // Read and written again, the other program makes the same tree of it.
      const again = await readAll(writeTar(copied(await streamFile(archive))), {
        maxBytes: 1 << 26,
      });
      writeFileSync(archive, again);
      mkdirSync(join(folder, "out"));
      await EXTRACT[name.startsWith("tar") ? "bsdtar" : "GNU tar"]?.(folder);
      assertFacts(expectedOf(join(folder, "out"), order, true), expected, `${name}, copied`);
    });
  });
}

test("readTar() reads the extended attributes that GNU tar and bsdtar write", {
  skip,
}, async () => {
  await inScratch(async (folder) => {
    const packed = writeTar([{ path: "file", body: encode("x"), xattrs: XATTRS }]);
    writeFileSync(join(folder, "a.tar"), await readAll(packed, { maxBytes: 1 << 16 }));
    mkdirSync(join(folder, "out"));
    await EXTRACT["GNU tar"]?.(folder);
    const writers = {
      "GNU tar": () =>
        gnuTar(["-cf", "b.tar", "--format=pax", "--xattrs", "-C", "out", "file"], folder),
      "bsdtar": () => bsdtar(["-cf", "b.tar", "--format=pax", "-C", "out", "file"], folder),
    };
    for (const [name, write] of Object.entries(writers)) {
      await write();
      const [entry] = await entriesOf(join(folder, "b.tar"));
      const xattrs = new Map(XATTRS);
      if (name === "bsdtar") {
        // It writes keys as in a URL; they are data, and stay as they are.
        xattrs.delete("user.größe");
        xattrs.set("user.gr%C3%B6%C3%9Fe", encode("ü=1"));
      }
      assert.deepEqual(entry?.xattrs, xattrs, name);
    }
  });
});
