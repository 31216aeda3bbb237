// The ten largest files of an image:
//
//   deno run -A examples/deno_largest.ts alpine:3.20 linux/arm64
import { openImage } from "@lading/lading";

const [name, platform] = Deno.args;
if (name === undefined) {
  console.error("usage: deno run -A examples/deno_largest.ts IMAGE [PLATFORM]");
  Deno.exit(2);
}

const image = await openImage(name, { platform });
const files: { path: string; size: number }[] = [];
for await (const { type, path, size } of image.files()) {
  if (type === "file") files.push({ path, size });
}
files.sort((a, b) => b.size - a.size || (a.path < b.path ? -1 : 1));
for (const { path, size } of files.slice(0, 10)) {
  console.log(`${String(size).padStart(12)}  /${path}`);
}
