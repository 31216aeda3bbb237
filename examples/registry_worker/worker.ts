// A Worker that is a registry, with an R2 bucket behind it: docker login, docker push and docker pull.
// Everything is kept in the bucket, so requests may be answered by different isolates.
import { registryHandler } from "lading/server";
import { type Bucket, bucketStore } from "lading/store";

interface Environment {
  /** The R2 bucket. */
  readonly IMAGES: Bucket;
  /** The password of the user "lading"; npx wrangler secret put PASSWORD */
  readonly PASSWORD: string;
}

// Who measures how long comparing takes learns about digests, not about the password.
async function digest(text: string): Promise<string> {
  const bytes = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return new Uint8Array(bytes).join();
}

async function isAllowed(request: Request, password: string): Promise<boolean> {
  const given = request.headers.get("authorization") ?? "";
  return await digest(given) === await digest(`Basic ${btoa(`lading:${password}`)}`);
}

export default {
  async fetch(request: Request, { IMAGES, PASSWORD }: Environment): Promise<Response> {
    if (!await isAllowed(request, PASSWORD)) {
      const errors = [{ code: "UNAUTHORIZED", message: "authentication required" }];
      const headers = { "www-authenticate": 'Basic realm="images"' };
      return Response.json({ errors }, { status: 401, headers });
    }
    return await registryHandler(bucketStore(IMAGES))(request);
  },
};
