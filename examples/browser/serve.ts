// Serves the page and a registry with an image from one origin:
//
//   node examples/browser/serve.ts [PORT]
import { readFile } from "node:fs/promises";
import process from "node:process";
import { build } from "esbuild";
import { serve } from "../../lib/runtime/serve.ts";
import { memoryStore, registryHandler } from "../../mod.ts";
import { pushDemoImage } from "../_demo_image.ts";

const { outputFiles: [script] } = await build({
  entryPoints: [new URL("files.ts", import.meta.url).pathname],
  bundle: true,
  format: "esm",
  conditions: ["browser"],
  target: "es2022",
  write: false,
});
const page = await readFile(new URL("index.html", import.meta.url), "utf8");

const store = memoryStore();
await pushDemoImage(store, "lading/demo:1");
const registry = registryHandler(store);
const server = await serve((request) => {
  const { pathname } = new URL(request.url);
  if (pathname.startsWith("/v2/")) return registry(request);
  if (pathname === "/files.js") {
    return new Response(script?.text, { headers: { "content-type": "text/javascript" } });
  }
  return new Response(page, { headers: { "content-type": "text/html" } });
}, { port: Number(process.argv[2] ?? 0) });
console.log(`${server.url}/?image=lading/demo:1`);
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => server.close());
