import { jsonAnswer } from "./_answer.ts";
import { deleteBlob, getBlob } from "./_blobs.ts";
import {
  cancelUpload,
  continueUpload,
  finishUpload,
  startUpload,
  uploadStatus,
} from "./_blob_uploads.ts";
import type { Call, Context } from "./_context.ts";
import { listReferrers, listRepositories, listTags } from "./_lists.ts";
import { putManifest } from "./_manifest_push.ts";
import { deleteManifest, getManifest } from "./_manifests.ts";
import { Refusal } from "./_refusal.ts";
import { parseRoute, type Route } from "./_routes.ts";

/** What the methods of one path answer. */
export type Methods = Readonly<Record<string, () => Promise<Response>>>;

/** Answers a request whose method may be HEAD: what is said then is said without the body. */
export async function handle(
  context: Context,
  call: Call,
  isReadOnly: boolean,
): Promise<Response> {
  return await answerBy(methodsOf(context, call, parseRoute(call.url.pathname)), call, isReadOnly);
}

/** Has the method of a request answered, or refuses it. */
export async function answerBy(
  methods: Methods,
  call: Call,
  isReadOnly: boolean,
): Promise<Response> {
  const method = call.method === "HEAD" ? "GET" : call.method;
  const answer = Object.hasOwn(methods, method) ? methods[method] : undefined;
  if (answer !== undefined && (method === "GET" || !isReadOnly)) return await answer();
  const allowed = Object.keys(methods).filter((name) => name === "GET" || !isReadOnly);
  throw new Refusal(405, "UNSUPPORTED", "the method is not supported here", {
    headers: {
      "allow": allowed.flatMap((name) => name === "GET" ? [name, "HEAD"] : name).join(", "),
    },
  });
}

function methodsOf(context: Context, call: Call, route: Route): Methods {
  switch (route.kind) {
    case "base":
      return { GET: () => Promise.resolve(jsonAnswer(200, {})) };
    case "catalog":
      return { GET: () => listRepositories(context, call) };
    case "tags":
      return { GET: () => listTags(context, call, route.repository) };
    case "referrers":
      return { GET: () => listReferrers(context, call, route.repository, route.digest) };
    case "manifest":
      return {
        GET: () => getManifest(context, call, route.repository, route.reference),
        PUT: () => putManifest(context, call, route.repository, route.reference),
        DELETE: () => deleteManifest(context, route.repository, route.reference),
      };
    case "blob":
      return {
        GET: () => getBlob(context, call, route.repository, route.digest),
        DELETE: () => deleteBlob(context, route.repository, route.digest),
      };
    case "uploads":
      return { POST: () => startUpload(context, call, route.repository) };
    case "upload":
      return {
        GET: () => uploadStatus(context, route.repository, route.id),
        PATCH: () => continueUpload(context, call, route.repository, route.id),
        PUT: () => finishUpload(context, call, route.repository, route.id),
        DELETE: () => cancelUpload(context, route.repository, route.id),
      };
  }
}
