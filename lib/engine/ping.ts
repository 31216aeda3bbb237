/** What an engine says of itself in answer to a ping. */
export interface EnginePing {
  /** The newest version of the API that it speaks; "" when it does not say. */
  readonly apiVersion: string;
  /** The operating system of its containers. */
  readonly os: string;
  /** The builder that it suggests: 1 is the classic one, 2 is BuildKit; "" when it does not say. */
  readonly builderVersion: string;
  /** Whether experimental features are on. */
  readonly isExperimental: boolean;
  /** Its name and version, such as `Docker/20.10.24 (linux)`. */
  readonly server: string;
}

/** Reads the headers of the answer to a ping. */
export function pingOf(headers: Headers): EnginePing {
  return {
    apiVersion: headers.get("api-version") ?? "",
    os: headers.get("ostype") ?? "",
    builderVersion: headers.get("builder-version") ?? "",
    isExperimental: headers.get("docker-experimental") === "true",
    server: headers.get("server") ?? "",
  };
}
