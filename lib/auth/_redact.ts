import { encodeBase64 } from "../model/base64.ts";
import { MASK, redactText, redactURL } from "../model/redact.ts";
import type { Challenge } from "./challenge.ts";
import type { Credentials } from "./credentials.ts";

/** The texts of credentials that no message may hold. */
export function secretsOf(credentials: Credentials): string[] {
  switch (credentials.kind) {
    case "anonymous":
      return [];
    case "basic": {
      const pair = new TextEncoder().encode(`${credentials.username}:${credentials.password}`);
      return [credentials.password, encodeBase64(pair)];
    }
    case "identity-token":
    case "registry-token":
      return [credentials.token];
  }
}

/**
 * Masks secrets in a text of a server that may echo what it was sent: those that are known, also
 * inside JSON strings and URLs, and what looks like one of somebody else.
 */
export function redactSecrets(text: string, secrets: readonly string[]): string {
  let redacted = redactText(text);
  for (const secret of secrets) {
    if (secret === "") continue;
    const spellings = [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)];
    for (const spelling of spellings) redacted = redacted.replaceAll(spelling, MASK);
  }
  return redacted;
}

/** Writes challenges for a message: the parameters that explain something, the realm without query. */
export function describeChallenges(
  challenges: readonly Challenge[],
  secrets: readonly string[],
): string {
  const shown = ["realm", "service", "scope", "error"];
  const texts = challenges.map(({ scheme, parameters }) => {
    const parts = shown.flatMap((name) => {
      const value = parameters.get(name);
      if (value === undefined) return [];
      const isURL = name === "realm" && scheme === "bearer" && URL.canParse(value);
      return [`${name}=${JSON.stringify(isURL ? redactURL(value) : value)}`];
    });
    return [scheme.charAt(0).toUpperCase() + scheme.slice(1), parts.join(",")].join(" ").trim();
  });
  return redactSecrets(texts.join(", "), secrets);
}
