/** Amazon ECR: signatures as AWS publishes them, tokens, and how long they are kept. */
import { test } from "node:test";
import assert from "node:assert/strict";
import {
  AuthenticationError,
  LadingError,
  RateLimitError,
  RegistryError,
} from "../../lib/model/errors.ts";
import {
  type AWSCredentials,
  createAuthenticator,
  ecrCredentials,
  signAWSRequest,
} from "../../lib/auth/mod.ts";
import { get, type Script, scripted, unauthorized } from "./scripted.ts";

const SUITE: AWSCredentials = {
  accessKeyId: "AKIDEXAMPLE",
  secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
};

const SUITE_TOKEN =
  "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPf" +
  "IeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7W" +
  "Z0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8F" +
  "DrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==";

const SUITE_DATE = new Date("2015-08-30T12:36:00Z");

interface Vector {
  readonly name: string;
  readonly method?: string;
  readonly query?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly sessionToken?: string;
  readonly signed: string;
  readonly signature: string;
}

/** Rows of AWS's Signature Version 4 test suite. */
const VECTORS: readonly Vector[] = [
  {
    name: "get-vanilla",
    signed: "host;x-amz-date",
    signature: "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
  },
  {
    name: "get-vanilla-query-order-key-case",
    query: "?Param2=value2&Param1=value1",
    signed: "host;x-amz-date",
    signature: "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
  },
  {
    name: "get-vanilla-query-order-value",
    query: "?Param1=value2&Param1=value1",
    signed: "host;x-amz-date",
    signature: "5772eed61e12b33fae39ee5e7012498b51d56abc0abb7c60486157bd471c4694",
  },
  {
    name: "get-header-value-trim",
    headers: { "My-Header1": " value1", "My-Header2": ' "a   b   c"' },
    signed: "host;my-header1;my-header2;x-amz-date",
    signature: "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
  },
  {
    name: "post-vanilla",
    method: "POST",
    signed: "host;x-amz-date",
    signature: "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
  },
  {
    name: "post-header-key-sort",
    method: "POST",
    headers: { "My-Header1": "value1" },
    signed: "host;my-header1;x-amz-date",
    signature: "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c",
  },
  {
    name: "post-x-www-form-urlencoded",
    method: "POST",
    headers: { "Content-Type": "application/x-www-form-urlencoded" },
    body: "Param1=value1",
    signed: "content-type;host;x-amz-date",
    signature: "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
  },
  {
    name: "post-sts-header-before",
    method: "POST",
    sessionToken: SUITE_TOKEN,
    signed: "host;x-amz-date;x-amz-security-token",
    signature: "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead",
  },
];

test("signAWSRequest() signs as AWS's test suite does", async () => {
  for (const { name, signed, signature, sessionToken, ...vector } of VECTORS) {
    const { method = "GET", query = "", headers = {}, body = "" } = vector;
    const url = new URL(`https://example.amazonaws.com/${query}`);
    const result = await signAWSRequest(
      { method, url, headers, body },
      { ...SUITE, sessionToken },
      { region: "us-east-1", service: "service" },
      SUITE_DATE,
    );
    assert.equal(
      result["authorization"],
      "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, " +
        `SignedHeaders=${signed}, Signature=${signature}`,
      name,
    );
    assert.equal(result["x-amz-date"], "20150830T123600Z");
    assert.doesNotMatch(JSON.stringify(result), /wJalrXUtn/, name);
  }
});

test("signAWSRequest() signs the example of AWS's guide", async () => {
  const { authorization } = await signAWSRequest(
    {
      method: "GET",
      url: new URL("https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08"),
      headers: { "content-type": "application/x-www-form-urlencoded; charset=utf-8" },
      body: "",
    },
    SUITE,
    { region: "us-east-1", service: "iam" },
    SUITE_DATE,
  );
  assert.match(
    authorization ?? "",
    /Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7$/,
  );
});

test("signAWSRequest() refuses what cannot stand in a header, and repeats none of it", async () => {
  for (const wrong of [{ accessKeyId: "CANARY\n" }, { sessionToken: "CANARY\r\nx: y" }]) {
    await assert.rejects(
      signAWSRequest(
        { method: "GET", url: new URL("https://x.example/"), headers: {}, body: "" },
        { ...SUITE, ...wrong },
        { region: "r", service: "s" },
        SUITE_DATE,
      ),
      (error: unknown) => error instanceof TypeError && !/CANARY/.test(`${error.stack}`),
    );
  }
});

const HOST = "123456789012.dkr.ecr.eu-central-1.amazonaws.com";
const API = "api.ecr.eu-central-1.amazonaws.com";
const ACCOUNT: AWSCredentials = {
  accessKeyId: "ASIAEXAMPLE",
  secretAccessKey: "CANARY-secret",
  sessionToken: "CANARY-session",
};
const NOW = Date.parse("2026-11-21T08:00:00Z");
const HOURS = 3_600_000;

/** AWS as it answers: it makes each signature anew, and refuses another one. */
function aws(service: "ecr" | "ecr-public", region: string, count = { tokens: 0 }): Script {
  return async (request, { method, body, authorization }) => {
    const names = /SignedHeaders=([^,]*)/.exec(authorization ?? "")?.[1]?.split(";") ?? [];
    const headers: Record<string, string> = {};
    for (const name of names) {
      const isOwn = name === "host" || name === "x-amz-date" || name === "x-amz-security-token";
      if (!isOwn) headers[name] = request.headers.get(name) ?? "";
    }
    const time = request.headers.get("x-amz-date") ?? "";
    const date = new Date(time.replace(
      /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/,
      "$1-$2-$3T$4:$5:$6Z",
    ));
    const url = new URL(request.url);
    const expected = await signAWSRequest(
      { method, url, headers, body },
      ACCOUNT,
      { region, service },
      date,
    );
    const sent = request.headers.get("x-amz-security-token");
    if (expected["authorization"] !== authorization || sent !== ACCOUNT.sessionToken) {
      const message = `The request signature does not match. ${authorization} ${sent}`;
      return Response.json({ __type: "InvalidSignatureException", message }, { status: 400 });
    }
    for (
      const name of ["content-type", "host", "x-amz-date", "x-amz-security-token", "x-amz-target"]
    ) {
      assert.ok(names.includes(name), `${name} is not signed`);
    }
    const data = {
      authorizationToken: btoa(`AWS:CANARY-token-${++count.tokens}`),
      expiresAt: (date.getTime() + 12 * HOURS) / 1000,
      proxyEndpoint: `https://${HOST}`,
    };
    const authorizationData = service === "ecr" ? [data] : data;
    return Response.json({ authorizationData }, {
      headers: { "content-type": "application/x-amz-json-1.1" },
    });
  };
}

const token = (number: number) =>
  ({ kind: "basic", username: "AWS", password: `CANARY-token-${number}` }) as const;

test("ecrCredentials() gets a token for the region of the registry", async () => {
  const transport = scripted({ [API]: aws("ecr", "eu-central-1") });
  const provider = ecrCredentials({ transport, credentials: ACCOUNT, now: () => NOW });
  assert.deepEqual(await provider({ registry: HOST }), token(1));
  const [seen] = transport.seen;
  assert.equal(seen?.method, "POST");
  assert.equal(seen?.url, `https://${API}/`);
  assert.equal(seen?.body, "{}");
  assert.match(
    seen?.authorization ?? "",
    /^AWS4-HMAC-SHA256 Credential=ASIAEXAMPLE\/20261121\/eu-central-1\/ecr\/aws4_request, /,
  );
});

test("ecrCredentials() gets a token for the public registry", async () => {
  const transport = scripted({
    "api.ecr-public.us-east-1.amazonaws.com": aws("ecr-public", "us-east-1"),
  });
  const provider = ecrCredentials({ transport, credentials: ACCOUNT, now: () => NOW });
  assert.deepEqual(await provider({ registry: "public.ecr.aws" }), token(1));
});

test("ecrCredentials() names the operation that each service knows", async () => {
  const targets: (string | null)[] = [];
  const transport = (request: Request) => {
    targets.push(request.headers.get("x-amz-target"));
    return Promise.resolve(new Response("{}"));
  };
  const provider = ecrCredentials({ transport, credentials: ACCOUNT });
  for (const registry of [HOST, "public.ecr.aws"]) await assert.rejects(provider({ registry }));
  assert.deepEqual(targets, [
    "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken",
    "SpencerFrontendService.GetAuthorizationToken",
  ]);
});

test("ecrCredentials() keeps a token for all registries of a region, and renews it in time", async () => {
  const count = { tokens: 0 };
  const transport = scripted({
    [API]: aws("ecr", "eu-central-1", count),
    "api.ecr.us-east-1.amazonaws.com": aws("ecr", "us-east-1", count),
  });
  let now = NOW;
  const provider = ecrCredentials({ transport, credentials: ACCOUNT, now: () => now });
  assert.deepEqual(await provider({ registry: HOST }), token(1));
  const other = HOST.replace("123456789012", "210987654321");
  now += 12 * HOURS - 301_000;
  assert.deepEqual(await provider({ registry: other, repository: "app" }), token(1));
  assert.deepEqual(
    await provider({ registry: HOST.replace("eu-central-1", "us-east-1") }),
    token(2),
    "another region has another token",
  );
  now += 2_000;
  assert.deepEqual(await provider({ registry: HOST }), token(3), "five minutes before its end");
  assert.equal(transport.seen.length, 3);
});

test("ecrCredentials() shares a token that is on its way, and asks for credentials once", async () => {
  let asked = 0;
  const transport = scripted({ [API]: aws("ecr", "eu-central-1") });
  const credentials = () => {
    asked++;
    return Promise.resolve(ACCOUNT);
  };
  const provider = ecrCredentials({ transport, credentials, now: () => NOW });
  const found = await Promise.all(Array.from({ length: 9 }, () => provider({ registry: HOST })));
  for (const one of found) assert.deepEqual(one, token(1));
  assert.equal(asked, 1);
  assert.equal(transport.seen.length, 1);
});

test("ecrCredentials() keeps no failure, and lets who waits leave by their signal", async () => {
  let isBroken = true;
  const good = aws("ecr", "eu-central-1");
  const transport = scripted({
    [API]: (request, seen) => isBroken ? new Response("", { status: 500 }) : good(request, seen),
  });
  const provider = ecrCredentials({ transport, credentials: ACCOUNT, now: () => NOW });
  await assert.rejects(provider({ registry: HOST }), RegistryError);
  isBroken = false;
  assert.deepEqual(await provider({ registry: HOST }), token(1));
  const reason = new Error("enough");
  await assert.rejects(
    provider({ registry: HOST, signal: AbortSignal.abort(reason) }),
    (error: unknown) => error === reason,
  );
});

test("ecrCredentials() sends its request to the endpoint of a VPC when it is told to", async () => {
  const host = "vpce-1.api.ecr.eu-central-1.vpce.amazonaws.com";
  const transport = scripted({ [host]: aws("ecr", "eu-central-1") });
  const endpoint = `https://${host}/`;
  const provider = ecrCredentials({ transport, credentials: ACCOUNT, endpoint, now: () => NOW });
  assert.deepEqual(await provider({ registry: HOST }), token(1));
});

test("ecrCredentials() proves itself to the registry by Basic", async () => {
  const transport = scripted({
    [API]: aws("ecr", "eu-central-1"),
    [HOST]: (_, { authorization }) =>
      authorization === `Basic ${btoa("AWS:CANARY-token-1")}`
        ? new Response("ok")
        : unauthorized(`Basic realm="https://${HOST}/",service="ecr.amazonaws.com"`),
  });
  const authenticator = createAuthenticator({
    transport,
    origin: `https://${HOST}`,
    registry: HOST,
    credentials: ecrCredentials({ transport, credentials: ACCOUNT, now: () => NOW }),
  });
  const make = () => new Request(`https://${HOST}${new URL(get("/v2/").call(null).url).pathname}`);
  assert.equal((await authenticator.send(make)).status, 200);
});

/** What a call fails with; no secret may be in it. */
async function failure(answer: Script): Promise<LadingError> {
  const transport = scripted({ [API]: answer });
  const provider = ecrCredentials({ transport, credentials: ACCOUNT, now: () => NOW });
  const error = await provider({ registry: HOST }).then(() => undefined, (error: unknown) => error);
  assert.ok(error instanceof LadingError, String(error));
  const texts = [error.message, error.stack, JSON.stringify(error), error.cause];
  assert.doesNotMatch(texts.join("\n"), /CANARY|Signature=/);
  assert.match(error.message, new RegExp(`^Cannot get credentials for ${HOST} from ${API}: `));
  return error;
}

test("ecrCredentials() tells what AWS says, without what it was sent", async () => {
  const refused = await failure((request) =>
    Response.json({
      __type: "com.amazon.coral.service#UnrecognizedClientException",
      message: `bad token ${request.headers.get("x-amz-security-token")}`,
    }, { status: 400 })
  );
  assert.ok(refused instanceof AuthenticationError);
  assert.match(
    refused.message,
    /answered 400 UnrecognizedClientException \(bad token \[redacted\]\)/,
  );
  const denied = await failure(() =>
    Response.json({ __type: "AccessDeniedException", Message: "no" }, { status: 400 })
  );
  assert.ok(denied instanceof AuthenticationError);
  const throttled = await failure(() =>
    Response.json({ __type: "ThrottlingException", message: "Rate exceeded" }, { status: 400 })
  );
  assert.ok(throttled instanceof RateLimitError);
  const busy = await failure(() =>
    new Response("", { status: 429, headers: { "retry-after": "3" } })
  );
  assert.ok(busy instanceof RateLimitError && busy.retryAfter === 3_000);
  assert.ok(await failure(() => new Response("<html>", { status: 503 })) instanceof RegistryError);
});

test("ecrCredentials() refuses replies that are none", async () => {
  const bodies = [
    ...["CANARY", "null", "[]", "{}", '{"authorizationData":[]}', '{"authorizationData":null}'],
    ...['{"authorizationData":["CANARY"]}', '{"authorizationData":[{"authorizationToken":1}]}'],
    '{"authorizationData":[{"authorizationToken":"CANARY!"}]}',
    `{"authorizationData":[{"authorizationToken":"${btoa("CANARY")}"}]}`,
    `{"authorizationData":[{"authorizationToken":"${btoa(":CANARY")}"}]}`,
    `"${"x".repeat(70_000)}"`,
  ];
  for (const body of bodies) await failure(() => new Response(body));
  await failure(() => {
    throw new TypeError("fetch failed: https://u:CANARY@x.example/?X-Amz-Signature=CANARY");
  });
  const moved = await failure(() => Response.redirect("https://attacker.dev/", 307));
  assert.match(moved.message, /redirects with 307/);
});

test("ecrCredentials() keeps no token that does not say how long it is good", async () => {
  let count = 0;
  const transport = scripted({
    [API]: () =>
      Response.json({ authorizationData: [{ authorizationToken: btoa(`AWS:${++count}`) }] }),
  });
  const provider = ecrCredentials({ transport, credentials: ACCOUNT, now: () => NOW });
  for (const password of ["1", "2"]) {
    assert.deepEqual(await provider({ registry: HOST }), {
      kind: "basic",
      username: "AWS",
      password,
    });
  }
});

test("ecrCredentials() lets no runtime follow a redirect with what was signed", async () => {
  const modes: string[] = [];
  const transport = (request: Request) => {
    modes.push(request.redirect);
    return Promise.resolve(new Response("{}"));
  };
  await assert.rejects(ecrCredentials({ transport, credentials: ACCOUNT })({ registry: HOST }));
  assert.deepEqual(modes, ["manual"]);
});
