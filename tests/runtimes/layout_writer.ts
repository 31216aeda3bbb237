// Writes into an OCI layout until it is done or killed: `layout_writer.ts MODE DIRECTORY NUMBER`.
import { nodeFileSystem } from "../../lib/runtime/node_file_system.ts";
import { ociLayout } from "../../lib/store/mod.ts";
import { describe, noise, pieces, pushImage } from "../store/content.ts";

const [mode, directory = "", number = "0"] = process.argv.slice(2);
const layout = ociLayout(nodeFileSystem(), directory, {
  owner: String(process.pid),
  lockStaleAfterMs: mode === "forever" ? 500 : undefined,
});

if (mode === "tags") {
  // All writers share most images, so that they write the same blobs at the same time.
  await Promise.all(Array.from({ length: 8 }, async (_, i) => {
    const image = await pushImage(layout, i === 7 ? 100 + Number(number) : i);
    await layout.tag(image, `writer${number}-tag${i}`);
  }));
} else if (mode === "large") {
  const blob = noise(400_000, 1);
  const error = await layout.push(describe(blob), blob).catch((error) => error);
  console.log(error?.reason, await layout.exists(describe(blob)));
} else {
  for (let i = 0;; i++) {
    const blob = noise(400_000, 1000 * Number(number) + i);
    await layout.push(describe(blob), () => pieces(blob, 16_384).stream);
    await layout.tag(await pushImage(layout, i), `writer${number}-tag${i}`);
    console.log(`writer${number}-tag${i}`);
  }
}
