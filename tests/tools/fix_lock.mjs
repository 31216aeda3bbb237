// Completes package-lock.json after `npm install` on a registry that lacks some foreign-platform
// packages: `npm ci` refuses a lock in which an optional dependency has no entry at all.
import { readFileSync, writeFileSync } from "node:fs";

const OS = ["darwin", "win32", "linux", "freebsd", "android", "openbsd", "netbsd", "sunos", "aix"];
const CPU = ["arm64", "x64", "arm", "ia32", "riscv64", "ppc64", "s390x", "loong64"];

const lock = JSON.parse(readFileSync("package-lock.json", "utf8"));
let added = 0;
for (const entry of Object.values(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const key = `node_modules/${name}`;
    if (lock.packages[key] !== undefined) continue;
    const words = name.replace("windows", "win32").replace("aarch64", "arm64").replace(
      /-64$/,
      "-x64",
    )
      .split(/[/-]/);
    lock.packages[key] = {
      version,
      cpu: words.filter((word) => CPU.includes(word)),
      dev: true,
      optional: true,
      os: words.filter((word) => OS.includes(word)),
    };
    added++;
    console.log(`added ${name}@${version}`);
  }
}
const packages = Object.fromEntries(
  Object.entries(lock.packages).sort(([a], [b]) => a < b ? -1 : 1),
);
writeFileSync("package-lock.json", `${JSON.stringify({ ...lock, packages }, null, 2)}\n`);
console.log(`${added} entries added`);
