// `npm start`: the main job without a network. A registry in this process, an image of two
// platforms made from files of this repository, and the commands that pull, verify and list it.
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { main } from "../lib/cli/main.ts";
import { serve } from "../lib/runtime/serve.ts";
import { memoryStore, registryHandler } from "../mod.ts";
import { pushDemoImage } from "./_demo_image.ts";

const store = memoryStore();
await pushDemoImage(store, "lading/demo:1");
const server = await serve(registryHandler(store));
const folder = await mkdtemp(join(tmpdir(), "lading-demo-"));
const image = `127.0.0.1:${server.port}/lading/demo:1`;
const layout = `oci:${folder}/demo:1`;
const commands = [
  ["inspect", image],
  ["pull", image, layout, "--platform", "all"],
  ["validate", layout],
  ["ls", layout, "--platform", "linux/arm64", "--long"],
  ["cat", layout, "/etc/os-release", "--platform", "linux/arm64"],
];

for (const command of commands) {
  console.log(`\n$ lading ${command.join(" ")}`);
  process.exitCode = await main(command);
  if (process.exitCode !== 0) break;
}
await server.close();

if (process.exitCode === 0) {
  console.log(`
A registry served ${image} from memory in this process. The client fetched every
blob of both platforms over HTTP, proved their sizes and digests, wrote them into an OCI layout,
proved the layout again and read files out of it. The layout lies in ${folder}/demo
Look further with: npm start -- ls ${layout}`);
}
