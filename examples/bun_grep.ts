// Searches the text files of an image, in one pass over its layers; whiteouts are not applied, so
// that secrets in lower layers are found too:
//
//   bun examples/bun_grep.ts alpine:3.20 'PRIVATE KEY' linux/amd64
import { LimitExceededError, openImage } from "lading";

const MAX_TEXT_BYTES = 1024 * 1024;

const [name, pattern, platform] = process.argv.slice(2);
if (name === undefined || pattern === undefined) {
  console.error("usage: bun examples/bun_grep.ts IMAGE PATTERN [PLATFORM]");
  process.exit(2);
}

const wanted = new RegExp(pattern);
const image = await openImage(name, { platform });
let found = false;
for (const layer of await image.layers()) {
  const { digest } = layer.descriptor();
  for await (const entry of layer.entries()) {
    if (entry.type !== "file") continue;
    try {
      for (const [index, line] of (await entry.text(MAX_TEXT_BYTES)).split("\n").entries()) {
        if (!wanted.test(line)) continue;
        found = true;
        console.log(`${digest.slice(7, 19)} /${entry.path}:${index + 1}: ${line}`);
      }
    } catch (error) {
      if (!(error instanceof LimitExceededError)) throw error;
    }
  }
}
process.exit(found ? 0 : 1);
