/** Whoever aborts is let go, wherever the search for credentials has got to, and what it waited for ends. */
import { test } from "node:test";
import assert from "node:assert/strict";
import {
  azureCredentials,
  createAuthenticator,
  type CredentialProvider,
  ecrCredentials,
  githubCredentials,
  googleCredentials,
  googleMetadataToken,
  sendAnonymously,
  withAuth,
} from "../../lib/auth/mod.ts";
import { makeGarbage } from "../support/garbage.ts";
import { bearer, get, type Script, scripted, unauthorized } from "./scripted.ts";

const KEEPS_NO_REASON =
  new Request("https://r.example", { signal: AbortSignal.abort("why") }).signal.reason !== "why";

/** A caller who aborts as soon as somebody is asked who does not answer. */
function impatient() {
  const controller = new AbortController();
  const reason = new Error("enough");
  const asked: AbortSignal[] = [];
  const wait = (signal: AbortSignal | undefined): Promise<never> => {
    assert.ok(signal, "who is asked is told nothing of the abort");
    asked.push(signal);
    return new Promise((_, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      controller.abort(reason);
    });
  };
  return {
    signal: controller.signal,
    wait,
    silent: (({ signal }) => wait(signal)) as Script,
    /** Never answers, and holds nothing of what it was asked. */
    lost: (() => {
      makeGarbage().then(() => controller.abort(reason));
      return new Promise<Response>(() => {});
    }) as Script,
    /** A body of which the second chunk never comes. */
    stalled: (() =>
      new Response(
        new ReadableStream({
          pull: (stream) => {
            stream.enqueue(new TextEncoder().encode("{"));
            setTimeout(() => controller.abort(reason), 0);
            return new Promise(() => {});
          },
        }, { highWaterMark: 0 }),
      )) as Script,
    async expect(promise: Promise<unknown>): Promise<void> {
      await assert.rejects(promise, (error: unknown) => error === reason);
      for (const { aborted, reason: told } of asked) {
        assert.ok(aborted);
        // Chromium tells a request that it is aborted, but not why.
        assert.ok(told === reason || KEEPS_NO_REASON);
      }
    },
  };
}

test("createAuthenticator() lets go of a provider that does not answer", async () => {
  const { signal, wait, expect } = impatient();
  const transport = scripted({ "r.example": () => unauthorized('Basic realm="r"') });
  const credentials: CredentialProvider = (request) => wait(request.signal);
  const auth = createAuthenticator({
    ...{ transport, credentials },
    origin: "https://r.example",
    registry: "r.example",
  });
  await expect(auth.send(get("/v2/app/tags/list"), { signal }));
});

test("createAuthenticator() lets go of a token server, before its answer and within", async () => {
  for (const kind of ["silent", "stalled"] as const) {
    const caller = impatient();
    const transport = scripted({
      "auth.example": caller[kind],
      "r.example": () => unauthorized(bearer()),
    });
    const auth = createAuthenticator({
      transport,
      origin: "https://r.example",
      registry: "r.example",
    });
    await caller.expect(auth.send(get("/v2/app/tags/list"), { signal: caller.signal }));
  }
});

test("createAuthenticator() lets go of a registry that does not say what it wants", async () => {
  for (const [kind, replayable] of [["silent", true], ["silent", false], ["lost", true]] as const) {
    const caller = impatient();
    const transport = scripted({
      "r.example": (request, seen) =>
        request.url.endsWith("/v2/") ? caller[kind](request, seen) : unauthorized(),
    });
    const auth = createAuthenticator({
      transport,
      origin: "https://r.example",
      registry: "r.example",
    });
    const { signal } = caller;
    await caller.expect(auth.send(get("/v2/app/tags/list"), { signal, replayable }));
  }
});

test("withAuth() ends the search for a token with the signal of the request", async () => {
  const { signal, silent, expect } = impatient();
  const transport = scripted({
    "auth.example": silent,
    "r.example": () => unauthorized(bearer()),
  });
  const send = withAuth(transport, { origin: "https://r.example", registry: "r.example" });
  await expect(send(new Request("https://r.example/v2/app/tags/list", { signal })));
});

const PRINCIPAL = { tenant: "contoso.example", clientID: "id", clientSecret: "secret" };

test("ecrCredentials() lets go of AWS, and of what finds its credentials", async () => {
  const registry = "123456789012.dkr.ecr.eu-central-1.amazonaws.com";
  const credentials = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "secret" };
  for (const kind of ["silent", "stalled", "lost"] as const) {
    const caller = impatient();
    const transport = scripted({ "api.ecr.eu-central-1.amazonaws.com": caller[kind] });
    await caller.expect(
      ecrCredentials({ transport, credentials })({ registry, signal: caller.signal }),
    );
  }
  const { signal, wait, expect } = impatient();
  await expect(
    ecrCredentials({ transport: scripted({}), credentials: wait })({ registry, signal }),
  );
});

test("azureCredentials() lets go of Entra ID, of the registry, and of what finds its tokens", async () => {
  const registry = "acme.azurecr.io";
  const entra = impatient();
  await entra.expect(
    azureCredentials({
      transport: scripted({ "login.microsoftonline.com": entra.silent }),
      servicePrincipal: PRINCIPAL,
    })({ registry, signal: entra.signal }),
  );
  const own = impatient();
  const accessToken = () => Promise.resolve({ token: "token" });
  await own.expect(
    azureCredentials({ transport: scripted({ [registry]: own.silent }), accessToken })(
      { registry, signal: own.signal },
    ),
  );
  const { signal, wait, expect } = impatient();
  await expect(
    azureCredentials({ transport: scripted({}), accessToken: wait })({ registry, signal }),
  );
});

test("googleCredentials() lets go of what finds its tokens", async () => {
  const { signal, wait, expect } = impatient();
  const provider = googleCredentials({ transport: scripted({}), accessToken: wait });
  await expect(provider({ registry: "europe-west1-docker.pkg.dev", signal }));
});

test("githubCredentials() lets go of what finds its tokens", async () => {
  const { signal, wait, expect } = impatient();
  await expect(githubCredentials({ token: wait })({ registry: "ghcr.io", signal }));
});

test("sendAnonymously() lets go of the token server of another host", async () => {
  const { signal, silent, expect } = impatient();
  const transport = scripted({
    "auth.example": silent,
    "r.example": () => unauthorized(bearer()),
  });
  await expect(sendAnonymously(transport, get("/blob"), { signal }));
});

test("googleMetadataToken() lets go of the metadata server, and asks nothing once aborted", async () => {
  const { signal, silent, expect } = impatient();
  const transport = scripted({ "metadata.google.internal": silent });
  await expect(googleMetadataToken(transport)(signal));
  await expect(googleMetadataToken(transport)(signal));
  assert.equal(transport.seen.length, 1);
});
