import { test } from "node:test";
import assert from "node:assert/strict";
import { type EngineLookup, locateEngine } from "../../lib/engine/mod.ts";
import { digestBytes } from "../../lib/hash/mod.ts";
import { failure, utf8 } from "./scripted.ts";

type Variables = Readonly<Record<string, string>>;

function lookup(
  environment: Variables,
  files: Readonly<Record<string, unknown>> = {},
  rest: Partial<EngineLookup> = {},
): EngineLookup {
  return {
    environment: { HOME: "/home/u", ...environment },
    readFile: (path) => {
      const file = files[path];
      return Promise.resolve(
        file === undefined || typeof file === "string" ? file : JSON.stringify(file),
      );
    },
    ...rest,
  };
}

const idOf = (name: string) => digestBytes("sha256", utf8(name)).slice("sha256:".length);
const CONFIG = "/home/u/.docker";
const meta = (name: string) => `${CONFIG}/contexts/meta/${idOf(name)}/meta.json`;
const context = (name: string, docker: object) => ({
  [meta(name)]: { Name: name, Metadata: {}, Endpoints: { docker } },
});

test("locateEngine() goes to the usual socket when nothing is said", async () => {
  const found = await locateEngine(lookup({}));
  assert.deepEqual(found, {
    endpoint: { kind: "unix", path: "/var/run/docker.sock" },
    context: "default",
    tls: undefined,
    apiVersion: undefined,
    headers: {},
    proxyArguments: {},
  });
  const none = await locateEngine({ ...lookup({}), environment: {} });
  assert.deepEqual(none.endpoint, { kind: "unix", path: "/var/run/docker.sock" });
});

test("locateEngine() takes the host of the call, then DOCKER_HOST, DOCKER_CONTEXT, the config", async () => {
  const files = {
    [`${CONFIG}/config.json`]: { currentContext: "current" },
    ...context("current", { Host: "tcp://current:1" }),
    ...context("named", { Host: "tcp://named:1" }),
    ...context("given", { Host: "tcp://given:1" }),
  };
  const both = { DOCKER_HOST: "tcp://variable:1", DOCKER_CONTEXT: "named" };
  const hostOf = async (environment: Variables, rest: Partial<EngineLookup> = {}) => {
    const { endpoint } = await locateEngine(lookup(environment, files, rest));
    return endpoint.kind === "tcp" ? endpoint.host : endpoint.kind;
  };
  assert.equal(await hostOf(both, { host: "tcp://call:1", context: "given" }), "call");
  assert.equal(await hostOf(both, { context: "given" }), "given");
  assert.equal(await hostOf(both), "variable");
  assert.equal(await hostOf({ DOCKER_CONTEXT: "named" }), "named");
  assert.equal(await hostOf({}), "current");
  assert.equal(await hostOf({ DOCKER_CONTEXT: "default" }), "unix");
  assert.equal(await hostOf({}, { context: "default" }), "unix");
  assert.equal(await hostOf({ ...both, DOCKER_HOST: "" }), "named");
});

test("locateEngine() speaks TLS with the files of DOCKER_CERT_PATH", async () => {
  const files = { "/certs/ca.pem": "CA", "/certs/cert.pem": "CERT", "/certs/key.pem": "KEY" };
  const variables = { DOCKER_HOST: "tcp://h:2376", DOCKER_CERT_PATH: "/certs" };
  const certificates = { ca: "CA", cert: "CERT", key: "KEY" };
  const verified = await locateEngine(lookup({ ...variables, DOCKER_TLS_VERIFY: "1" }, files));
  assert.deepEqual(verified.tls, { ...certificates, isVerified: true });
  assert.equal(verified.endpoint.kind === "tcp" && verified.endpoint.isSecure, true);
  // Any text means yes, "0" too, as docker and docker-py have it; an empty one means no.
  const zero = await locateEngine(lookup({ ...variables, DOCKER_TLS_VERIFY: "0" }, files));
  assert.equal(zero.tls?.isVerified, true);
  const empty = await locateEngine(lookup({ ...variables, DOCKER_TLS_VERIFY: "" }, files));
  assert.deepEqual(empty.tls, { ...certificates, isVerified: false });
  const home = await locateEngine(lookup({ DOCKER_HOST: "tcp://h", DOCKER_TLS_VERIFY: "1" }, {
    [`${CONFIG}/ca.pem`]: "OWN",
  }));
  assert.deepEqual(home.tls, { ca: "OWN", cert: undefined, key: undefined, isVerified: true });
  const plain = await locateEngine(lookup({ DOCKER_HOST: "tcp://h:2375" }, files));
  assert.equal(plain.tls, undefined);
  const socket = await locateEngine(lookup({ DOCKER_TLS_VERIFY: "1" }, files));
  assert.equal(socket.tls, undefined);
});

test("locateEngine() verifies https by the authorities of the system, and takes TLS of the call", async () => {
  assert.deepEqual((await locateEngine(lookup({ DOCKER_HOST: "https://h" }))).tls, {});
  const tls = { ca: "MINE" };
  const given = await locateEngine(lookup({}, {}, { host: "tcp://h:2376", tls }));
  assert.deepEqual(given.tls, tls);
  assert.equal(given.endpoint.kind === "tcp" && given.endpoint.isSecure, true);
});

test("locateEngine() reads the TLS files of a context", async () => {
  const folder = `${CONFIG}/contexts/tls/${idOf("prod")}/docker`;
  const files = {
    ...context("prod", { Host: "tcp://prod:2376", SkipTLSVerify: false }),
    [`${folder}/ca.pem`]: "CA",
    [`${folder}/cert.pem`]: "CERT",
    [`${folder}/key.pem`]: "KEY",
  };
  const found = await locateEngine(lookup({}, files, { context: "prod" }));
  assert.deepEqual(found.tls, { ca: "CA", cert: "CERT", key: "KEY", isVerified: true });
  assert.equal(found.context, "prod");
  const skip = context("prod", { Host: "tcp://prod:2376", SkipTLSVerify: true });
  const loose = await locateEngine(lookup({}, { ...files, ...skip }, { context: "prod" }));
  assert.equal(loose.tls?.isVerified, false);
  const remote = context("far", { Host: "ssh://u@far" });
  const ssh = await locateEngine(lookup({ DOCKER_CONTEXT: "far" }, remote));
  assert.equal(ssh.endpoint.kind, "ssh");
});

test("locateEngine() refuses half of a certificate, wherever it is from", async () => {
  const variables = { DOCKER_HOST: "tcp://h:2376", DOCKER_CERT_PATH: "/certs" };
  const folder = `${CONFIG}/contexts/tls/${idOf("prod")}/docker`;
  const prod = context("prod", { Host: "tcp://prod:2376" });
  for (
    const [one, words] of [
      [lookup(variables, { "/certs/cert.pem": "CERT" }), /a certificate and no key in \/certs/],
      [lookup(variables, { "/certs/key.pem": "KEY" }), /a key and no certificate in \/certs/],
      [lookup({}, { ...prod, [`${folder}/cert.pem`]: "CERT" }, { context: "prod" }), /no key in/],
      [lookup({}, {}, { host: "tcp://h:2376", tls: { key: "KEY" } }), /a key and no certificate$/],
    ] as const
  ) {
    const error = await failure(locateEngine(one));
    assert.equal(error["code"], "INVALID_CONFIG");
    assert.match(String(error["message"]), words);
    assert.doesNotMatch(String(error["message"]), /KEY|CERT/);
  }
});

test("locateEngine() refuses a context that is not there, and does not fall back", async () => {
  const cases = [
    lookup({ DOCKER_CONTEXT: "nowhere" }),
    lookup({}, { [`${CONFIG}/config.json`]: { currentContext: "nowhere" } }),
    lookup({}, {}, { context: "../../etc" }),
    lookup({ DOCKER_CONTEXT: "empty" }, { [meta("empty")]: { Name: "empty", Endpoints: {} } }),
    lookup({ DOCKER_CONTEXT: "other" }, { [meta("other")]: { Name: "another" } }),
  ];
  for (const one of cases) {
    const error = await failure(locateEngine(one));
    assert.equal(error["code"], "INVALID_CONFIG");
    assert.match(String(error["message"]), /Docker context/);
  }
});

test("locateEngine() reads headers and proxies of the configuration, and DOCKER_API_VERSION", async () => {
  const files = {
    "/cfg/config.json": {
      HttpHeaders: { "X-Meta-Foo": "1" },
      proxies: {
        default: { httpProxy: "http://p:1", noProxy: "a,b", allProxy: "socks5://s" },
        "tcp://h:2375": { httpsProxy: "http://q:2" },
      },
    },
  };
  const variables = { DOCKER_CONFIG: "/cfg", DOCKER_API_VERSION: "1.40" };
  const found = await locateEngine(lookup(variables, files));
  assert.equal(found.apiVersion, "1.40");
  assert.deepEqual(found.headers, { "X-Meta-Foo": "1" });
  assert.deepEqual(found.proxyArguments, {
    HTTP_PROXY: "http://p:1",
    http_proxy: "http://p:1",
    NO_PROXY: "a,b",
    no_proxy: "a,b",
    ALL_PROXY: "socks5://s",
    all_proxy: "socks5://s",
  });
  const host = { ...variables, DOCKER_HOST: "tcp://h:2375" };
  assert.deepEqual((await locateEngine(lookup(host, files))).proxyArguments, {
    HTTPS_PROXY: "http://q:2",
    https_proxy: "http://q:2",
  });
});

test("locateEngine() says which file is broken, and nothing of what is in it", async () => {
  for (const text of ["secret", '["secret"]', '{"secret":']) {
    const error = await failure(locateEngine(lookup({}, { [`${CONFIG}/config.json`]: text })));
    assert.equal(error["code"], "INVALID_CONFIG");
    assert.match(String(error["message"]), /config\.json/);
    assert.doesNotMatch(JSON.stringify(error) + String(error["message"]), /secret/);
  }
  const empty = await locateEngine(lookup({}, { [`${CONFIG}/config.json`]: " \n" }));
  assert.equal(empty.context, "default");
});
