import type { Platform } from "../model/platform.ts";
import type { FakeImages } from "./_fake_engine_images.ts";
import { isTrue, readFilters } from "./_fake_engine_query.ts";
import { Refusal } from "./_fake_engine_refusal.ts";

/** The version of the engine that is imitated. */
export const ENGINE_VERSION = "20.10.24+dfsg1";

/** The versions of the API. */
export interface ApiRange {
  readonly newest: string;
  readonly oldest: string;
}

/** A repository that a search of the fake engine finds, with the engine's own names. */
export interface FakeSearchResult {
  /** The name. */
  readonly name: string;
  /** What its owner says about it. */
  readonly description?: string | undefined;
  /** How many people like it. */
  readonly star_count?: number | undefined;
  /** Whether Docker looks after it. */
  readonly is_official?: boolean | undefined;
  /** Whether it is built from sources automatically. */
  readonly is_automated?: boolean | undefined;
}

/** What `GET /version` answers. */
export function versionOf({ newest, oldest }: ApiRange, { os, architecture }: Platform): unknown {
  const shared = {
    GitCommit: "5d6db84",
    GoVersion: "go1.19.8",
    KernelVersion: "6.1.0",
    BuildTime: "2026-05-07T21:09:36.000000000+00:00",
  };
  return {
    Platform: { Name: "" },
    Components: [{
      Name: "Engine",
      Version: ENGINE_VERSION,
      Details: {
        ApiVersion: newest,
        Arch: architecture,
        Experimental: "false",
        MinAPIVersion: oldest,
        Os: os,
        ...shared,
      },
    }],
    Version: ENGINE_VERSION,
    ApiVersion: newest,
    MinAPIVersion: oldest,
    GitCommit: shared.GitCommit,
    GoVersion: shared.GoVersion,
    Os: os,
    Arch: architecture,
    KernelVersion: shared.KernelVersion,
    BuildTime: shared.BuildTime,
  };
}

/** The names of Linux for architectures that Go names otherwise. */
const MACHINES: Readonly<Record<string, string>> = {
  amd64: "x86_64",
  arm64: "aarch64",
  386: "i686",
};

/** What `uname -m` says. */
function machineOf({ architecture, variant }: Platform): string {
  if (architecture === "arm") return `arm${variant ?? "v7"}l`;
  return MACHINES[architecture] ?? architecture;
}

/** What `GET /info` answers. */
export async function infoOf(images: FakeImages): Promise<unknown> {
  const { os } = images.platform;
  return {
    ID: "FAKE:ENGI:NEOF:LADI:NG",
    Containers: 0,
    ContainersRunning: 0,
    ContainersPaused: 0,
    ContainersStopped: 0,
    Images: (await images.all()).size,
    Driver: "vfs",
    OSType: os,
    Architecture: machineOf(images.platform),
    Name: "fake",
    ServerVersion: ENGINE_VERSION,
    ExperimentalBuild: false,
    IndexServerAddress: "https://index.docker.io/v1/",
  };
}

/** Searches among what was given; without it there is no Docker Hub. */
export function searchResults(
  query: URLSearchParams,
  known: readonly FakeSearchResult[] | undefined,
): unknown {
  const text = query.get("limit") ?? "";
  const limit = text === "" ? 25 : Number(text);
  if (!Number.isInteger(limit)) {
    throw new Refusal(500, `strconv.Atoi: parsing "${text}": invalid syntax`);
  }
  if (limit < 1 || limit > 100) {
    throw new Refusal(400, `Limit ${limit} is outside the range of [1, 100]`);
  }
  const filters = readFilters(query, ["is-automated", "is-official", "stars"]);
  const term = query.get("term") ?? "";
  if (known === undefined) {
    const url = `https://index.docker.io/v1/search?q=${encodeURIComponent(term)}&n=${limit}`;
    throw new Refusal(500, `Get "${url}": dial tcp: lookup index.docker.io: no such host`);
  }
  const wants = (name: string, value: boolean): boolean => {
    const [wanted] = filters.get(name) ?? [];
    return wanted === undefined || isTrue(new URLSearchParams({ wanted }), "wanted") === value;
  };
  const stars = Number(filters.get("stars")?.[0] ?? 0);
  return known.map((one) => ({
    star_count: one.star_count ?? 0,
    is_official: one.is_official ?? false,
    name: one.name,
    is_automated: one.is_automated ?? false,
    description: one.description ?? "",
  })).filter(({ name, description, is_official, is_automated, star_count }) =>
    `${name} ${description}`.includes(term) && star_count >= stars &&
    wants("is-official", is_official) && wants("is-automated", is_automated)
  ).slice(0, limit);
}
