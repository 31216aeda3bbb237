import { test } from "node:test";
import assert from "node:assert/strict";
import { staticCredentials } from "../../lib/registry/mod.ts";
import {
  AuthorizationError,
  isLadingError,
  NotFoundError,
  RegistryError,
} from "../../lib/model/errors.ts";
import {
  answer,
  bench,
  CONFIG,
  descriptorOf,
  errorResponse,
  failure,
  HOST,
  MANIFEST,
  noise,
  OCI_LAYER,
  readAllBytes,
  redirect,
  type Script,
  utf8,
} from "./scripted.ts";

const SECRET = "canary-secret";
const CREDENTIALS = { kind: "basic", username: "canary-user", password: SECRET } as const;
const BASIC = `Basic ${btoa(`canary-user:${SECRET}`)}`;

const BLOB = noise(1000);
const LAYER = descriptorOf(BLOB, OCI_LAYER);

/** A registry that wants Basic credentials and sends everything else elsewhere. */
function guardedRegistry(locate: (request: Request) => string | null, status = 307): Script {
  return (request) => {
    const url = new URL(request.url);
    if (url.origin !== `https://${HOST}` || url.pathname.startsWith("/away")) {
      if (request.method === "PUT") return new Response(null, { status: 201 });
      const isManifest = url.pathname.includes("manifest");
      return answer(isManifest ? MANIFEST : { raw: BLOB, descriptor: LAYER }, request);
    }
    if (request.headers.get("authorization") !== BASIC) {
      return errorResponse(401, "UNAUTHORIZED", { "www-authenticate": 'Basic realm="test"' });
    }
    return redirect(locate(request), status);
  };
}

/** Whether a request carries anything that is for the registry alone. */
function carriesSecret(headers: Headers, url: string): boolean {
  const all = JSON.stringify([...headers]) + url;
  return headers.has("authorization") || headers.has("cookie") || all.includes(SECRET) ||
    all.includes(btoa(`canary-user:${SECRET}`)) || all.includes("canary-user");
}

const TARGETS: readonly (readonly [name: string, location: string, isFollowed: boolean])[] = [
  ["another port of the host", `https://${HOST}:8443/away/manifest`, true],
  ["a sub-domain", `https://cdn.${HOST}/away/manifest`, true],
  ["another host", "https://storage.test/away/manifest", true],
  ["a public address", "https://203.0.113.9/away/manifest", true],
  ["http on the same host", `http://${HOST}/away/manifest`, false],
  ["http on another host", "http://storage.test/away/manifest", false],
  ["a URL with a user name", "https://me:pw@storage.test/away/manifest", false],
  ["a user name on the host itself", `https://me@${HOST}/away/manifest`, false],
  ["a loopback address", "https://127.0.0.1/away/manifest", false],
  ["localhost", "https://localhost/away/manifest", false],
  ["cloud metadata", "https://169.254.169.254/away/manifest", false],
  ["a private address", "https://10.0.0.9/away/manifest", false],
  ["a private address in other words", "https://0x0a.9/away/manifest", false],
];

for (const [name, location, isFollowed] of TARGETS) {
  test(`C1, lessons 21 and 26: no secret goes along a redirect to ${name}`, async () => {
    const calls = {
      GET: (b: ReturnType<typeof bench>) => b.repository.manifest("v1"),
      HEAD: (b: ReturnType<typeof bench>) => b.repository.exists(MANIFEST.descriptor),
      PUT: (b: ReturnType<typeof bench>) => b.repository.push(MANIFEST.descriptor, MANIFEST.raw),
    };
    for (const [method, call] of Object.entries(calls)) {
      const b = bench(guardedRegistry(() => location), {
        credentials: staticCredentials(HOST, CREDENTIALS),
      });
      const result = await b.clock.run(call(b).then(() => undefined, (error: unknown) => error));
      const home = b.transport.seen.filter(({ url }) => new URL(url).origin === `https://${HOST}`);
      const away = b.transport.seen.filter(({ url }) => new URL(url).origin !== `https://${HOST}`);
      assert.deepEqual(
        away.filter(({ headers, url }) => carriesSecret(headers, url)).map(({ url }) => url),
        [],
        `${method}: secrets went to ${name}`,
      );
      assert.ok(home.some(({ headers }) => headers.has("authorization")), `${method}: no sign-in`);
      assert.equal(away.length, isFollowed ? 1 : 0, `${method}: requests to ${name}`);
      if (isFollowed) assert.equal(result, undefined, `${method}: ${String(result)}`);
      else assert.ok(result instanceof RegistryError, `${method}: ${String(result)}`);
      if (isLadingError(result)) assert.doesNotMatch(result.message, /canary|me:pw|me@/);
    }
  });
}

test("a redirect within the registry keeps the credentials", async () => {
  const b = bench((request) => {
    if (request.headers.get("authorization") !== BASIC) {
      return errorResponse(401, "UNAUTHORIZED", { "www-authenticate": 'Basic realm="test"' });
    }
    return request.url.includes("/moved/")
      ? answer(MANIFEST, request)
      : redirect("/v2/moved/app/manifests/v1");
  }, { credentials: staticCredentials(HOST, CREDENTIALS) });
  const manifest = await b.clock.run(b.repository.manifest("v1"));
  assert.equal(manifest.descriptor.digest, MANIFEST.descriptor.digest);
});

test("lesson 25: a Location with the default port is the same origin", async () => {
  const b = bench((request) => {
    if (request.headers.get("authorization") !== BASIC) {
      return errorResponse(401, "UNAUTHORIZED", { "www-authenticate": 'Basic realm="test"' });
    }
    return request.url.includes("/moved/")
      ? answer(MANIFEST, request)
      : redirect(`https://${HOST}:443/v2/moved/app/manifests/v1`);
  }, { credentials: staticCredentials(HOST, CREDENTIALS) });
  await b.clock.run(b.repository.manifest("v1"));
  assert.equal(b.transport.seen.at(-1)?.headers.get("authorization"), BASIC);
});

test("credentials that were left behind are not picked up again on the way back", async () => {
  const b = bench((request) => {
    const { host, pathname } = new URL(request.url);
    if (host === "evil.test") return redirect(`https://${HOST}/v2/other/secret/manifests/v1`);
    if (pathname.includes("/other/")) return answer(MANIFEST, request);
    if (request.headers.get("authorization") !== BASIC) {
      return errorResponse(401, "UNAUTHORIZED", { "www-authenticate": 'Basic realm="test"' });
    }
    return redirect("https://evil.test/bounce");
  }, { credentials: staticCredentials(HOST, CREDENTIALS) });
  await b.clock.run(b.repository.manifest("v1"));
  const last = b.transport.seen.at(-1);
  assert.match(last?.url ?? "", /\/v2\/other\/secret/);
  assert.equal(last?.headers.get("authorization"), null);
});

test("only headers that are no secret cross an origin", async () => {
  const b = bench((request) => {
    const url = new URL(request.url);
    if (url.host !== HOST) {
      return answer({ raw: BLOB, descriptor: LAYER }, request);
    }
    assert.equal(request.headers.get("x-registry-auth"), SECRET);
    return redirect("https://cdn.test/blob?sig=abc");
  }, { headers: { "X-Registry-Auth": SECRET, "X-Meta": "y" } });
  await b.clock.run(b.repository.fetch(LAYER).then(readAllBytes));
  const away = b.transport.seen.find(({ url }) => url.startsWith("https://cdn.test/"));
  const names = [...away?.headers.keys() ?? []].sort();
  // Browsers keep the last two to themselves.
  const own = ["accept-encoding", "user-agent"];
  assert.deepEqual(names.filter((name) => !own.includes(name)), ["accept"]);
  if (names.length > 1) {
    assert.equal(away?.headers.get("accept-encoding"), "identity");
    assert.match(away?.headers.get("user-agent") ?? "", /^lading\/\d/);
  }
});

test("lesson 22: two redirects in a row are followed, with range and encoding", async () => {
  const b = bench((request) => {
    const { host } = new URL(request.url);
    if (host === HOST) return redirect("https://one.test/a");
    if (host === "one.test") return redirect("https://two.test/b", 302);
    const part = BLOB.slice(10, 20);
    return new Response(part, { status: 206, headers: { "content-range": "bytes 10-19/1000" } });
  });
  const stream = await b.clock.run(b.repository.fetch(LAYER, { range: { start: 10, end: 19 } }));
  assert.deepEqual(await readAllBytes(stream), BLOB.slice(10, 20));
  for (const { headers } of b.transport.seen) {
    assert.equal(headers.get("range"), "bytes=10-19");
    assert.equal(headers.get("accept-encoding") ?? "identity", "identity");
  }
});

test("lesson 23: a signed URL that refuses HEAD does not mean that the blob is missing", async () => {
  const b = bench((request) => {
    if (new URL(request.url).host === HOST) return redirect("https://s3.test/blob?sig=1");
    if (request.method === "HEAD") return new Response(null, { status: 403 });
    return new Response(BLOB.slice(0, 1), {
      status: 206,
      headers: { "content-range": "bytes 0-0/1000" },
    });
  });
  assert.equal(await b.clock.run(b.repository.exists(LAYER)), true);
  assert.equal(b.transport.seen.at(-1)?.headers.get("range"), "bytes=0-0");
});

test("lesson 23: a HEAD that is refused with 401 is asked again as a GET of one byte", async () => {
  const b = bench((request) => {
    if (request.method === "HEAD") {
      return new Response(null, { status: 401, headers: { "www-authenticate": "Basic" } });
    }
    return new Response(BLOB.slice(0, 1), {
      status: 206,
      headers: { "content-range": "bytes 0-0/1000" },
    });
  });
  assert.equal(await b.clock.run(b.repository.exists(LAYER)), true);
});

test("lesson 24: an http Location behind a TLS proxy is refused with advice", async () => {
  const b = bench(() => redirect(`http://${HOST}/v2/acme/app/manifests/other`));
  const error = await failure(b.clock.run(b.repository.manifest("v1")));
  assert.ok(error instanceof RegistryError);
  assert.match(error.message, /leads from https to http:.*fixLocationScheme/);
  assert.equal(b.transport.seen.length, 1);
});

test("lesson 24: fixLocationScheme reads such a Location as https, on the same host only", async () => {
  const b = bench(
    (request) =>
      request.url.includes("/moved") ? answer(MANIFEST, request) : redirect(`http://${HOST}/moved`),
    {
      fixLocationScheme: true,
    },
  );
  await b.clock.run(b.repository.manifest("v1"));
  assert.equal(b.transport.seen.at(-1)?.url, `https://${HOST}/moved`);

  const other = bench(() => redirect("http://elsewhere.test/moved"), { fixLocationScheme: true });
  assert.ok(
    await failure(other.clock.run(other.repository.manifest("v1"))) instanceof RegistryError,
  );
  assert.equal(other.transport.seen.length, 1);
});

for (const status of [301, 302, 303]) {
  test(`lesson 28: a PUT that is answered ${status} never becomes a GET`, async () => {
    const b = bench((request) =>
      request.method === "PUT"
        ? redirect(`https://${HOST}/elsewhere`, status)
        : answer(MANIFEST, request, {}, { status: 200 })
    );
    const error = await failure(
      b.clock.run(b.repository.push(MANIFEST.descriptor, MANIFEST.raw)),
    );
    assert.ok(error instanceof RegistryError);
    assert.match(error.message, /a PUT would become a GET/);
    assert.deepEqual(b.transport.seen.map(({ method }) => method), ["PUT"]);
  });
}

test("lesson 28: a PUT that is answered 204 counts only when the manifest is there", async () => {
  const missing = bench((request) =>
    new Response(null, { status: request.method === "PUT" ? 204 : 404 })
  );
  const error = await failure(
    missing.clock.run(missing.repository.push(MANIFEST.descriptor, MANIFEST.raw)),
  );
  assert.ok(error instanceof RegistryError);
  assert.match(error.message, /answered 204, but does not have it/);

  const there = bench((request) =>
    request.method === "PUT" ? new Response(null, { status: 204 }) : answer(MANIFEST, request)
  );
  await there.clock.run(there.repository.push(MANIFEST.descriptor, MANIFEST.raw));
});

test("a PUT is sent again to a 307 with its whole body", async () => {
  const bodies: string[] = [];
  const b = bench(async (request) => {
    bodies.push(await request.clone().text());
    return request.url.endsWith("/moved")
      ? new Response(null, { status: 201 })
      : redirect(`https://${HOST}/moved`);
  });
  await b.clock.run(b.repository.push(MANIFEST.descriptor, MANIFEST.raw));
  const text = new TextDecoder().decode(MANIFEST.raw);
  assert.deepEqual(bodies, [text, text]);
});

test("lesson 29: the urls of a foreign layer are not asked", async () => {
  const b = bench(() => undefined);
  const foreign = { ...LAYER, urls: ["http://169.254.169.254/latest", "https://layers.test/a"] };
  const error = await failure(b.clock.run(b.repository.fetch(foreign)));
  assert.ok(error instanceof NotFoundError);
  assert.deepEqual(b.transport.seen.map(({ url }) => new URL(url).host), [HOST]);
});

test("lesson 30: a refused POST says where it went and why", async () => {
  const b = bench(() => errorResponse(404, "NAME_UNKNOWN"), { name: "prefix/acme/app" });
  const error = await failure(b.clock.run(b.repository.push(CONFIG.descriptor, CONFIG.raw)));
  assert.ok(error instanceof NotFoundError);
  assert.match(
    error.message,
    /404 NAME_UNKNOWN to POST https:\/\/registry\.example\/v2\/prefix\/acme\/app\/blobs\/uploads\//,
  );
  assert.match(error.message, /create the repository first/);
});

test("F15: a redirect loop ends at once", async () => {
  const b = bench((request) =>
    redirect(request.url.includes("/b") ? `https://${HOST}/a` : `https://${HOST}/b`)
  );
  const error = await failure(b.clock.run(b.repository.manifest("v1")));
  assert.ok(error instanceof RegistryError);
  assert.match(error.message, /circle/);
  assert.ok(b.transport.seen.length <= 3, `${b.transport.seen.length} requests`);
});

test("F15: ten redirects are followed, the eleventh is not", async () => {
  const chain = (hops: number): Script => (request) => {
    const hop = Number(/hop=(\d+)/.exec(request.url)?.[1] ?? 0);
    return hop === hops
      ? answer(MANIFEST, request)
      : redirect(`https://h${hop}.test/?hop=${hop + 1}`);
  };
  const ten = bench(chain(10));
  await ten.clock.run(ten.repository.manifest("v1"));
  assert.equal(ten.transport.seen.length, 11);

  const eleven = bench(chain(11));
  const error = await failure(eleven.clock.run(eleven.repository.manifest("v1")));
  assert.ok(error instanceof RegistryError);
  assert.equal(eleven.transport.seen.length, 11);
});

for (
  const location of [
    "file:///etc/passwd",
    "data:application/json,{}",
    "ftp://storage.test/blob",
    "javascript:alert(1)",
    "http://[",
    null,
  ]
) {
  test(`F15: a redirect to ${location ?? "nowhere"} is refused`, async () => {
    const b = bench(() => redirect(location));
    const error = await failure(b.clock.run(b.repository.manifest("v1")));
    assert.ok(error instanceof RegistryError, String(error));
    assert.equal(b.transport.seen.length, 1);
  });
}

test("a registry on loopback may lead to another port of loopback, and not inside", async () => {
  const script = (location: string): Script => (request) =>
    new URL(request.url).port === "5000" ? redirect(location) : answer(MANIFEST, request);
  const near = bench(script("http://127.0.0.1:9000/x"), { host: "localhost:5000" });
  await near.clock.run(near.repository.manifest("v1"));

  const far = bench(script("http://192.168.1.1/x"), { host: "localhost:5000" });
  assert.ok(await failure(far.clock.run(far.repository.manifest("v1"))) instanceof RegistryError);

  const allowed = bench(script("http://192.168.1.1/x"), {
    host: "localhost:5000",
    privateHosts: ["192.168.1.1"],
  });
  await allowed.clock.run(allowed.repository.manifest("v1"));
});

test("R6: a signed URL that has expired is asked for anew, once", async () => {
  let signed = 0;
  const b = bench((request) => {
    const url = new URL(request.url);
    if (url.host === HOST) return redirect(`https://s3.test/blob?sig=${++signed}`);
    return url.searchParams.get("sig") === "2"
      ? answer({ raw: BLOB, descriptor: LAYER }, request)
      : new Response("<Error><Code>AccessDenied</Code></Error>", { status: 403 });
  });
  assert.deepEqual(await b.clock.run(b.repository.fetch(LAYER).then(readAllBytes)), BLOB);
  assert.equal(b.transport.seen.length, 4);

  const never = bench((request) =>
    new URL(request.url).host === HOST
      ? redirect("https://s3.test/blob?X-Amz-Signature=canary-secret")
      : new Response("no", { status: 403 })
  );
  const error = await failure(never.clock.run(never.repository.fetch(LAYER)));
  assert.ok(error instanceof AuthorizationError);
  assert.match(error.message, /s3\.test answered 403/);
  assert.doesNotMatch(JSON.stringify(error) + error.message, /canary/);
  assert.equal(never.transport.seen.length, 4);
});

test("C4: an upload Location on a private address is refused, and no content goes there", async () => {
  for (
    const location of [
      "http://127.0.0.1:1/upload",
      "https://127.0.0.1:1/upload",
      "https://169.254.169.254/upload",
      "https://[::1]/upload",
      "https://me:pw@registry.example/upload",
    ]
  ) {
    const b = bench(() => new Response(null, { status: 202, headers: { location } }));
    const error = await failure(b.clock.run(b.repository.push(CONFIG.descriptor, CONFIG.raw)));
    assert.ok(error instanceof RegistryError, location);
    assert.equal(b.transport.seen.length, 1, location);
  }
});

test("C4: an upload Location on another host gets the content without credentials", async () => {
  const b = bench((request) => {
    const url = new URL(request.url);
    if (url.host !== HOST) return new Response(null, { status: 201 });
    if (request.headers.get("authorization") !== BASIC) {
      return errorResponse(401, "UNAUTHORIZED", { "www-authenticate": 'Basic realm="test"' });
    }
    return new Response(null, {
      status: 202,
      headers: { location: "https://upload.test/u/1?_state=a%2Fb%3D" },
    });
  }, { credentials: staticCredentials(HOST, CREDENTIALS) });
  await b.clock.run(b.repository.push(CONFIG.descriptor, CONFIG.raw));
  const put = b.transport.seen.at(-1);
  assert.equal(put?.method, "PUT");
  assert.equal(put?.headers.get("content-type"), "application/octet-stream");
  assert.equal(put?.headers.get("authorization"), null);
  // The query is the registry's: it survives as it is.
  assert.equal(
    put?.path,
    `/u/1?_state=a%2Fb%3D&digest=${encodeURIComponent(CONFIG.descriptor.digest)}`,
  );
});

test("ggcr#2360: a storage host that wants a token gets one for nobody", async () => {
  const b = bench((request) => {
    const url = new URL(request.url);
    if (url.host === "auth.cdn.test") {
      return Response.json({ token: "anonymous-token" });
    }
    if (url.host === "cdn.test") {
      return request.headers.get("authorization") === "Bearer anonymous-token"
        ? answer({ raw: BLOB, descriptor: LAYER }, request)
        : new Response(null, {
          status: 401,
          headers: { "www-authenticate": 'Bearer realm="https://auth.cdn.test/token"' },
        });
    }
    if (request.headers.get("authorization") !== BASIC) {
      return errorResponse(401, "UNAUTHORIZED", { "www-authenticate": 'Basic realm="test"' });
    }
    return redirect("https://cdn.test/blob");
  }, { credentials: staticCredentials(HOST, CREDENTIALS) });
  assert.deepEqual(await b.clock.run(b.repository.fetch(LAYER).then(readAllBytes)), BLOB);
  const away = b.transport.seen.filter(({ url }) => new URL(url).host !== HOST);
  assert.equal(
    away.some(({ headers, url }) => JSON.stringify([...headers, url]).includes("canary")),
    false,
  );
});

test("a transport that follows redirects by itself is let to", async () => {
  const modes: string[] = [];
  const transport = Object.assign((request: Request) => {
    modes.push(request.redirect);
    return Promise.resolve(answer(MANIFEST, request));
  }, { traits: { manualRedirect: false } });
  const b = bench(() => undefined, { transport });
  await b.clock.run(b.repository.manifest("v1"));
  assert.deepEqual(modes, ["follow"]);
});

test("headers of the caller stay at home where a redirect cannot be seen", async () => {
  const sent: string[] = [];
  const transport = Object.assign((request: Request) => {
    const { redirect, headers } = request;
    sent.push(`${redirect} ${headers.get("x-registry-auth")} ${headers.get("authorization")}`);
    if (headers.get("authorization") === null) {
      return Promise.resolve(errorResponse(401, "UNAUTHORIZED", { "www-authenticate": "Basic" }));
    }
    if (redirect === "follow") return Promise.resolve(answer(MANIFEST, request));
    // What a browser shows of a redirect that it is not to follow.
    return Promise.resolve(
      Object.defineProperty(new Response(), "type", { value: "opaqueredirect" }),
    );
  }, { traits: { manualRedirect: false } });
  const b = bench(() => undefined, {
    transport,
    headers: { "X-Registry-Auth": SECRET },
    credentials: staticCredentials(HOST, CREDENTIALS),
  });
  await b.clock.run(b.repository.manifest("v1"));
  assert.deepEqual(sent, [
    `manual ${SECRET} null`,
    `manual ${SECRET} ${BASIC}`,
    `follow null ${BASIC}`,
  ]);
});

test("bodies of redirects are let go", async () => {
  let cancelled = 0;
  const b = bench((request) => {
    if (request.url.includes("/moved")) return answer(MANIFEST, request);
    const body = new ReadableStream({
      pull: (controller) => controller.enqueue(utf8("x")),
      cancel: () => void cancelled++,
    });
    return new Response(body, { status: 302, headers: { location: "/moved" } });
  });
  await b.clock.run(b.repository.manifest("v1"));
  assert.equal(cancelled, 1);
});
