import { AuthenticationError } from "../model/errors.ts";
import type { JSONObject } from "../model/json_object.ts";
import { MEDIA_TYPE_DOCKER_MANIFEST } from "../model/media_types.ts";
import { familiarReference } from "../model/reference.ts";
import {
  type Access,
  credentialsOf,
  openRegistry,
  openRepository,
  orRefused,
  registryRefusal,
} from "./_fake_engine_access.ts";
import { parseName } from "./_fake_engine_names.ts";
import { Refusal } from "./_fake_engine_refusal.ts";

/** Asks a registry about an image. */
export async function distributionOf(name: string, access: Access): Promise<unknown> {
  const { signal } = access;
  const reference = parseName(name, 400);
  const wanted = reference.digest ?? reference.tag ?? "latest";
  const repository = await openRepository(reference, access);
  const what = `manifest for ${familiarReference(reference)}`;
  return await orRefused(what, access, async () => {
    const { descriptor, parsed } = await repository.manifest(wanted, { signal });
    return { Descriptor: descriptor, Platforms: await platformsOf() };

    async function platformsOf(): Promise<unknown> {
      if (parsed.kind === "index") {
        return parsed.value.manifests.map(({ platform }) => platform ?? {});
      }
      // Engines look into manifests of Docker's format only.
      if (descriptor.mediaType !== MEDIA_TYPE_DOCKER_MANIFEST) return null;
      return (await repository.platforms(descriptor, { signal }))
        .map(({ os, architecture, variant }) => ({
          architecture,
          os,
          ...(variant === undefined ? {} : { variant }),
        }));
    }
  });
}

/** Tries credentials at a registry. */
export async function checkAuth(
  object: JSONObject,
  access: Access,
): Promise<unknown> {
  const { serveraddress } = object;
  const server = typeof serveraddress === "string" ? serveraddress : "";
  const host = server.replace(/^https?:\/\//, "").replace(/\/.*$/, "") || "docker.io";
  const credentials = credentialsOf(object);
  const registry = openRegistry(host, { ...access, credentials });
  try {
    await registry.authenticate({ signal: access.signal });
  } catch (error) {
    access.signal.throwIfAborted();
    if (error instanceof AuthenticationError) {
      throw new Refusal(
        500,
        `login attempt to ${registry.origin}/v2/ failed with status: 401 Unauthorized`,
      );
    }
    throw registryRefusal(error, host, access);
  }
  return { IdentityToken: "", Status: "Login Succeeded" };
}
