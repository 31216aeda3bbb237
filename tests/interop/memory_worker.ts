// A Worker that does with a large layer what Workers do; see memory_workerd.long.test.ts.
import { loadImage } from "../../lib/image/load_image.ts";
import type { Descriptor } from "../../lib/model/descriptor.ts";
import { copy } from "../../lib/ops/copy.ts";
import { validate } from "../../lib/ops/validate.ts";
import { Registry } from "../../lib/registry/registry.ts";
import type { Repository } from "../../lib/registry/repository.ts";
import { fixedLength } from "../../lib/runtime/workerd.ts";
import { registryHandler } from "../../lib/server/handler.ts";
import { type Bucket, bucketStore } from "../../lib/store/mod.ts";

interface Environment {
  readonly REGISTRY: string;
  readonly IMAGES: Bucket;
}

async function layerOf(repository: Repository): Promise<Descriptor> {
  const { parsed } = await repository.image("1");
  const layer = parsed.kind === "image" ? parsed.value.layers[0] : undefined;
  if (layer === undefined) throw new Error("the image has no layer");
  return layer;
}

/** Gives the last file of the layer: all of it is read, and none of it proved. */
async function lastFile(repository: Repository): Promise<string> {
  const image = await loadImage(repository, await repository.resolve("1"));
  for (const layer of await image.layers()) {
    for await (const entry of layer.entries()) if (entry.path === "last") return await entry.text();
  }
  return "it is not there";
}

export default {
  async fetch(request: Request, { REGISTRY, IMAGES }: Environment): Promise<Response> {
    const { pathname } = new URL(request.url);
    if (pathname.startsWith("/v2/")) return await registryHandler(bucketStore(IMAGES))(request);
    const registry = new Registry(REGISTRY, { plainHTTP: true });
    const repository = registry.repository("large");
    const target = { targetReference: "1", mountFrom: false } as const;
    switch (pathname) {
      case "/idle":
        return Response.json(await repository.resolve("1"));
      case "/validate":
        return Response.json((await validate(repository, "1")).ok);
      case "/file":
        return Response.json(await lastFile(repository));
      case "/proxy": {
        const layer = await layerOf(repository);
        return new Response(fixedLength(await repository.fetch(layer), layer.size));
      }
      case "/copy":
        await copy(repository, "1", bucketStore(IMAGES, { prefix: "copied/" }), target);
        return Response.json(true);
      case "/push":
        await copy(repository, "1", registry.repository("pushed"), target);
        return Response.json(true);
    }
    return new Response(null, { status: 404 });
  },
};
