import type { EngineCall } from "./engine_call.ts";
import { formatQuery } from "./query.ts";
import type { Upload } from "./_upload.ts";

/** What all requests to an engine have, and what this one sends. */
export interface RequestWay {
  readonly baseURL: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly upload: Upload;
}

/**
 * Makes a request of a call.
 *
 * @param call The call.
 * @param path Its path with the version.
 * @param way Where the API is, the headers of all requests, and what is sent.
 */
export function requestOf(call: EngineCall, path: string, way: RequestWay): Request {
  const { baseURL, upload } = way;
  const { method, query, body: sent, signal } = call;
  const { body } = upload;
  const url = new URL(`${baseURL}${path}${formatQuery(query ?? {})}`);
  // The URL parser folds dots and drops line breaks; nothing that gets here may have any.
  if (!url.pathname.endsWith(path)) {
    throw new TypeError(`Cannot make a URL of ${JSON.stringify(path)}: it would be another path`);
  }
  const headers = new Headers(way.headers);
  for (const [name, value] of Object.entries(call.headers ?? {})) headers.set(name, value);
  if (sent !== undefined) headers.set("content-type", sent.type);
  return new Request(url, {
    method,
    headers,
    redirect: "manual",
    ...(body === undefined ? {} : { body }),
    ...(body instanceof ReadableStream ? { duplex: "half" } : {}),
    ...(signal === undefined ? {} : { signal }),
  });
}
