import type { Transport } from "../model/transport.ts";

/**
 * Keeps Bun and workerd from undoing `Content-Encoding`: digests are over what is sent. Other
 * runtimes take no notice.
 */
const RAW_BODIES = { decompress: false, encodeResponseBody: "manual" };

/** The `fetch` of the runtime as a transport. */
export const fetchTransport: Transport = (request) => fetch(request, RAW_BODIES as RequestInit);
