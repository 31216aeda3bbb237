// Lists the files of an image of the registry that serves this page: ?image=acme/app:1
import { loadImage } from "lading/image";
import { hostTransport } from "lading/browser";
import { parsePlatform } from "lading/reference";
import { Registry } from "lading/registry";

const status = document.querySelector("#status") as HTMLElement;
const list = document.querySelector("#files") as HTMLElement;

async function listFiles(repositoryName: string, tag: string) {
  const registry = new Registry(location.host, { transport: hostTransport() });
  const repository = registry.repository(repositoryName);
  const platform = parsePlatform("linux/amd64");
  const image = await loadImage(repository, await repository.resolve(tag), { platform });
  status.textContent = await image.digest();
  for await (const { type, path, size } of image.files()) {
    const item = document.createElement("li");
    item.textContent = `/${path}${type === "directory" ? "/" : ` (${size} bytes)`}`;
    list.append(item);
  }
}

const image = new URL(location.href).searchParams.get("image") ?? "";
const [name = "", tag = "latest"] = image.split(":");
try {
  await listFiles(name, tag);
  status.dataset["state"] = "done";
} catch (error) {
  status.textContent = error instanceof Error ? error.message : String(error);
  status.dataset["state"] = "failed";
}
