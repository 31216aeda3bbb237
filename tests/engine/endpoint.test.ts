import { test } from "node:test";
import assert from "node:assert/strict";
import { formatEngineHost, parseEngineHost } from "../../lib/engine/mod.ts";

const tcp = (host: string, port: number, basePath = "", isSecure = false) => ({
  kind: "tcp",
  host,
  port,
  basePath,
  isSecure,
});
const unix = (path: string) => ({ kind: "unix", path });
const ssh = (host: string, port?: number, user?: string, socketPath?: string) => ({
  kind: "ssh",
  host,
  port,
  user,
  socketPath,
});

/** docker-py's table of `parse_host`, and what the docker command and go-dockerclient add. */
const GOOD: readonly [string, object][] = [
  ["", unix("/var/run/docker.sock")],
  ["unix://", unix("/var/run/docker.sock")],
  ["unix:///var/run/docker.sock", unix("/var/run/docker.sock")],
  ["unix://run/docker.sock", unix("/run/docker.sock")],
  ["unix:///a b".replace(" ", "%20"), unix("/a%20b")],
  ["http+unix:///var/run/docker.sock", unix("/var/run/docker.sock")],
  ["npipe:////./pipe/docker_engine", { kind: "npipe", path: "\\\\.\\pipe\\docker_engine" }],
  ["npipe://", { kind: "npipe", path: "\\\\.\\pipe\\docker_engine" }],
  ["0.0.0.1:5555", tcp("0.0.0.1", 5555)],
  [":6666", tcp("127.0.0.1", 6666)],
  ["tcp://:7777", tcp("127.0.0.1", 7777)],
  ["http://:7777", tcp("127.0.0.1", 7777)],
  ["https://kokia.jp:2375", tcp("kokia.jp", 2375, "", true)],
  ["12.234.45.127:2375/docker/engine", tcp("12.234.45.127", 2375, "/docker/engine")],
  ["somehost.net:80/service/swarm", tcp("somehost.net", 80, "/service/swarm")],
  ["[fd12::82d1]:2375", tcp("fd12::82d1", 2375)],
  ["https://[fd12:5672::12aa]:1090", tcp("fd12:5672::12aa", 1090, "", true)],
  ["[fd12::82d1]:2375/docker/engine", tcp("fd12::82d1", 2375, "/docker/engine")],
  ["tcp://h:2376/", tcp("h", 2376)],
  ["tcp://h", tcp("h", 2375)],
  ["tcp://host_1.test:2375/base", tcp("host_1.test", 2375, "/base")],
  ["ssh://[fd12::82d1]", ssh("fd12::82d1")],
  ["ssh://user@[fd12::82d1]:8765", ssh("fd12::82d1", 8765, "user")],
  ["ssh://", ssh("127.0.0.1")],
  ["ssh://user@localhost:22", ssh("localhost", 22, "user")],
  ["ssh://user@remote", ssh("remote", undefined, "user")],
  [
    "ssh://remote/run/user/1/docker.sock",
    ssh("remote", undefined, undefined, "/run/user/1/docker.sock"),
  ],
];

const BAD = [
  "0.0.0.0",
  "localhost",
  "tcp://",
  "udp://127.0.0.1",
  "udp://127.0.0.1:2375",
  "htp://a:1",
  "fd://",
  "a:b",
  "tcp://a:65536",
  "tcp://a:0",
  "tcp://a:-1",
  "tcp://a:1:2",
  "ssh://:22/path",
  "ssh://:clearpassword@host:22",
  "ssh://user:clearpassword@host:22",
  "ssh://-oProxyCommand=x",
  "ssh://-oProxyCommand=x@host",
  "tcp://user@host:1",
  "tcp://netloc:3333/path?q=1",
  "tcp://netloc:3333/path#fragment",
  "unix://a\nb",
  "https:///path;params",
  "tcp://a b:1",
  "tcp://[::1:2375",
];

test("parseEngineHost() reads every form of DOCKER_HOST", () => {
  for (const [text, wanted] of GOOD) assert.deepEqual(parseEngineHost(text), wanted, text);
});

test("parseEngineHost() refuses what leads nowhere, and shows no password", () => {
  for (const text of BAD) {
    assert.throws(() => parseEngineHost(text), { code: "INVALID_ENDPOINT" }, text);
  }
  try {
    parseEngineHost("ssh://user:clearpassword@host");
  } catch (error) {
    assert.doesNotMatch((error as Error).message, /clearpassword/);
    assert.doesNotMatch(JSON.stringify(error), /clearpassword/);
  }
});

test("parseEngineHost() says of an unknown scheme which ones there are", () => {
  assert.throws(
    () => parseEngineHost("foo://x"),
    /foo:\/\/ is no way to an engine; unix:\/\/, .*tcp:\/\/, .* and ssh:\/\/ are$/,
  );
});

test("parseEngineHost() speaks TLS over tcp and bare hosts when it is asked to", () => {
  const options = { isSecure: true };
  assert.deepEqual(parseEngineHost("tcp://h:2376", options), tcp("h", 2376, "", true));
  assert.deepEqual(parseEngineHost("tcp://h", options), tcp("h", 2376, "", true));
  assert.deepEqual(parseEngineHost("h:1", options), tcp("h", 1, "", true));
  assert.deepEqual(parseEngineHost("http://h:1", options), tcp("h", 1));
  assert.deepEqual(parseEngineHost("unix:///s", options), unix("/s"));
});

test("parseEngineHost() goes to the named pipe on Windows", () => {
  const pipe = { kind: "npipe", path: "\\\\.\\pipe\\docker_engine" };
  assert.deepEqual(parseEngineHost("", { isWindows: true }), pipe);
});

test("formatEngineHost() writes what parseEngineHost() reads", () => {
  for (const [text] of GOOD) {
    const endpoint = parseEngineHost(text);
    assert.deepEqual(parseEngineHost(formatEngineHost(endpoint)), endpoint, text);
  }
  assert.equal(formatEngineHost(parseEngineHost("tcp://[::1]:2375/a")), "http://[::1]:2375/a");
});
