// Loaded before examples in Deno: the registries that they name are in this process.
import process from "node:process";
import { registryHandler } from "../../lib/server/mod.ts";
import { memoryStore } from "../../lib/store/mod.ts";
import { pushDemoImage } from "../../examples/_demo_image.ts";

const store = memoryStore();
for (const name of ["library/alpine:3.20", "acme/app:1", "acme/app:latest"]) {
  await pushDemoImage(store, name);
}
const registry = registryHandler(store);
const HOSTS = new Set(["registry-1.docker.io", "ghcr.io", "registry.acme.dev"]);
const network = globalThis.fetch;

// Where the environment names a proxy, requests go through fetch and not over sockets.
process.env["https_proxy"] = "http://127.0.0.1:9";

globalThis.fetch = (input, init) => {
  const request = new Request(input, init);
  const { hostname } = new URL(request.url);
  if (HOSTS.has(hostname)) return registry(request);
  if (hostname === "127.0.0.1") return network(request);
  return Promise.reject(new TypeError(`there is no network to ${hostname}`));
};
