import { isRepositoryName } from "../model/reference.ts";
import { Refusal } from "./_refusal.ts";

/** What a path of the registry API points at. */
export type Route =
  | { readonly kind: "base" }
  | { readonly kind: "catalog" }
  | { readonly kind: "tags"; readonly repository: string }
  | { readonly kind: "manifest"; readonly repository: string; readonly reference: string }
  | { readonly kind: "blob"; readonly repository: string; readonly digest: string }
  | { readonly kind: "uploads"; readonly repository: string }
  | { readonly kind: "upload"; readonly repository: string; readonly id: string }
  | { readonly kind: "referrers"; readonly repository: string; readonly digest: string };

/**
 * Takes the path of a request apart (distribution-spec §endpoints). Repository names may hold the
 * words that the API uses, so the path is read from its end.
 *
 * @param pathname The path of the URL.
 * @returns What it points at.
 * @throws {Refusal} when it is no path of the API, or the repository name is none.
 */
export function parseRoute(pathname: string): Route {
  if (pathname === "/v2" || pathname === "/v2/") return { kind: "base" };
  if (pathname === "/v2/_catalog") return { kind: "catalog" };
  if (!pathname.startsWith("/v2/")) throw unknownPath();
  const segments = pathname.slice("/v2/".length).split("/");
  const last = decoded(segments.at(-1) ?? "");
  const verb = segments.at(-2);
  const before = segments.at(-3);
  if (verb === "tags" && last === "list") return { kind: "tags", repository: name(segments, 2) };
  if (verb === "manifests") {
    return { kind: "manifest", repository: name(segments, 2), reference: last };
  }
  if (verb === "blobs" && last === "uploads") {
    return { kind: "uploads", repository: name(segments, 2) };
  }
  if (verb === "blobs") return { kind: "blob", repository: name(segments, 2), digest: last };
  if (verb === "referrers") {
    return { kind: "referrers", repository: name(segments, 2), digest: last };
  }
  if (verb !== "uploads" || before !== "blobs") throw unknownPath();
  const repository = name(segments, 3);
  return last === "" ? { kind: "uploads", repository } : { kind: "upload", repository, id: last };
}

function name(segments: readonly string[], drop: number): string {
  const repository = segments.slice(0, -drop).join("/");
  if (isRepositoryName(repository)) return repository;
  throw new Refusal(404, "NAME_INVALID", "the name of the repository is none", {
    detail: { name: repository.slice(0, 256) },
  });
}

// Some clients write the colon of a digest as %3A.
function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

function unknownPath(): Refusal {
  return new Refusal(404, "UNSUPPORTED", "there is no such path in the registry API");
}
