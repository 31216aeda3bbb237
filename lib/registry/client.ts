/**
 * What the client of another protocol of registries is built on: redirects that are safe, repetitions,
 * lanes and timeouts are the same in all of them.
 */
export { type Answer, discard } from "./_answer.ts";
export { createClient } from "./_create_client.ts";
