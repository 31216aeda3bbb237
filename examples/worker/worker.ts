// A Worker that tells what an image is: GET /?image=ghcr.io/acme/app:1 answers with its digest, its
// platforms and the size of each. It fetches manifests only, a few kilobytes in all.
import {
  type Descriptor,
  formatPlatform,
  formatReference,
  isLadingError,
  NotFoundError,
  parseReference,
  withDefaultTag,
} from "lading/reference";
import { Registry, type Repository } from "lading/registry";

/** How many manifests one answer may cost; a Worker has 50 subrequests. */
const MAX_IMAGES = 32;

async function imageSize(repository: Repository, { digest }: Descriptor, signal: AbortSignal) {
  const { parsed } = await repository.manifest(digest, { signal });
  if (parsed.kind !== "image") return undefined;
  const { config, layers } = parsed.value;
  return layers.reduce((sum, layer) => sum + layer.size, config.size);
}

async function describe(name: string, signal: AbortSignal) {
  const reference = withDefaultTag(parseReference(name));
  const repository = new Registry(reference.registry).repository(reference.repository);
  const found = await repository.manifest(reference.digest ?? reference.tag ?? "", { signal });
  const { descriptor, parsed } = found;
  const children: Descriptor[] = parsed.kind === "index"
    ? parsed.value.manifests.filter(({ platform }) => platform && platform.os !== "unknown")
    : (await repository.platforms(descriptor, { signal }))
      .map((platform) => ({ ...descriptor, platform }));
  const platforms = await Promise.all(
    children.slice(0, MAX_IMAGES).map(async (child) => ({
      platform: child.platform && formatPlatform(child.platform),
      digest: child.digest,
      size: await imageSize(repository, child, signal),
    })),
  );
  return { reference: formatReference(reference), digest: descriptor.digest, platforms };
}

export default {
  async fetch(request: Request): Promise<Response> {
    const name = new URL(request.url).searchParams.get("image");
    if (name === null) return Response.json({ error: "usage: GET /?image=NAME" }, { status: 400 });
    try {
      return Response.json(await describe(name, request.signal));
    } catch (error) {
      if (!isLadingError(error)) throw error;
      const status = error.code === "INVALID_REFERENCE"
        ? 400
        : error instanceof NotFoundError
        ? 404
        : 502;
      return Response.json({ error: error.message, code: error.code }, { status });
    }
  },
};
