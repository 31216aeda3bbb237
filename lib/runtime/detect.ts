/** The runtimes that lading knows. */
export type RuntimeName = "deno" | "bun" | "workerd" | "node" | "browser";

interface Host {
  readonly Deno?: { readonly version?: unknown };
  readonly Bun?: { readonly version?: unknown };
  readonly navigator?: { readonly userAgent?: string };
  readonly process?: { readonly release?: { readonly name?: string } };
}

/**
 * Tells which runtime this is. The order matters: Deno, Bun and workerd all carry Node's marks.
 *
 * @returns The name; `browser` when nothing else fits.
 */
export function detectRuntime(): RuntimeName {
  const host = globalThis as Host;
  if (host.Deno?.version !== undefined) return "deno";
  if (host.Bun?.version !== undefined) return "bun";
  if (host.navigator?.userAgent === "Cloudflare-Workers") return "workerd";
  if (host.process?.release?.name === "node") return "node";
  return "browser";
}
