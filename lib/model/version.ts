/** The version of lading: the same as in package.json and deno.json, which a test holds. */
export const VERSION = "0.1.0";
