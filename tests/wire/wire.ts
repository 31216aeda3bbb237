/** The registry and the storage host of the test runner, for runtimes that can start no server. */

/** A request as it came over the wire. */
export interface WireRequest {
  readonly where: "registry" | "storage";
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What the registry of a case wants and does, and what the storage host has. */
export interface WireSetup {
  /** The `Authorization` it wants. */
  readonly authorization: string;
  /** Where it leads; `PORT` stands for the port of the storage host, `ID` for the case. */
  readonly location: string;
  readonly type: string;
  readonly content: string;
}

/** A case: requests belong to it by its name in their path. */
export interface WireCase {
  readonly id: string;
  /** The ports on 127.0.0.1. */
  readonly registry: number;
  readonly storage: number;
  /** Gives what has come so far, preflights of browsers included. */
  seen(): Promise<WireRequest[]>;
}

const { LADING_TEST_SERVER } = globalThis as { readonly LADING_TEST_SERVER?: string };

/** Sets a case up. */
export async function startCase(setup: WireSetup): Promise<WireCase> {
  const url = `${LADING_TEST_SERVER}/wire`;
  const response = await fetch(url, { method: "POST", body: JSON.stringify(setup) });
  const started = await response.json() as Omit<WireCase, "seen">;
  return {
    ...started,
    seen: async () => await (await fetch(`${url}?id=${started.id}`)).json() as WireRequest[],
  };
}
