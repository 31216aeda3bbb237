import { VERSION } from "../model/version.ts";

/**
 * What lading calls itself. Some registries refuse requests without a User-Agent, and workerd sends
 * none by itself.
 */
export const USER_AGENT: string = `lading/${VERSION}`;
