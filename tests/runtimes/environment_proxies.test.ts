// Proxies that the environment names: requests go there, as those of the runtime's fetch do.
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import assert from "node:assert/strict";
import { detectRuntime } from "../../lib/runtime/detect.ts";
import { inScratch, missing, mustRun } from "../support/program.ts";
import { lading, withBench } from "./lading_process.ts";
import { startServer } from "./loopback.ts";

const HOST = "registry.test:5000";
const runtime = detectRuntime();

const noShell = process.platform === "win32" ? "needs a shell" : false;

/** A proxy that says of everything that it is not there, and what it was asked. */
async function withProxy(use: (url: string, asked: string[]) => Promise<void>): Promise<void> {
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      const line = chunk.toString("latin1").split("\r\n", 1)[0] ?? "";
      asked.push(line);
      const status = line.startsWith("CONNECT") ? "200 Connected" : "404 Not Found";
      const length = line.startsWith("CONNECT") ? "" : "content-length: 0\r\n";
      socket.write(`HTTP/1.1 ${status}\r\n${length}\r\n`);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked);
  } finally {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  }
}

// Node can from version 24 on, and the command has it do so.
const [major = "0"] = process.versions.node.split(".");
const isNode = runtime === "node";
/** No proxy but those that a test names. */
const NONE = Object.fromEntries(
  ["http_proxy", "https_proxy", "all_proxy", "no_proxy"].flatMap((name) => [
    [name, ""],
    [name.toUpperCase(), ""],
  ]),
);

if (!isNode || Number(major) >= 24) {
  for (const name of ["http_proxy", "HTTP_PROXY"]) {
    test(`${name} is where requests go`, () =>
      withProxy(async (url, asked) => {
        for (const told of ["1", ""]) {
          asked.length = 0;
          const env = { [name]: url, no_proxy: "", NODE_USE_ENV_PROXY: told };
          const args = ["digest", "--plain-http", `${HOST}/app:1`];
          const { code, stderr } = await lading(args, { env });
          assert.notEqual(code, 0);
          assert.match(stderr, /404|not found/i);
          assert.ok(asked.some((line) => line.includes(HOST)), asked.join("\n"));
        }
      }));
  }
}

if (!isNode || Number(major) >= 24) {
  test("what is in a block of addresses that no_proxy names goes to no proxy", () =>
    withProxy(async (url, asked) => {
      await withBench(async ({ host, asked: direct }) => {
        // All addresses of this machine, which is not on loopback by its text.
        const any = host.replace(/^[^:]*/, "0.0.0.0");
        const list = async (no_proxy: string) => {
          const env = { ...NONE, http_proxy: url, no_proxy, NODE_USE_ENV_PROXY: "" };
          return (await lading(["digest", "--plain-http", `${any}/app:1`], { env })).code;
        };
        assert.equal(await list("10.0.0.0/8"), 3);
        assert.ok(asked.some((line) => line.includes(any)), asked.join("\n"));
        assert.deepEqual(direct, []);
        asked.length = 0;
        assert.equal(await list("10.0.0.0/8,0.0.0.0/8"), 3);
        assert.ok(direct.length > 0);
        assert.deepEqual(asked, []);
      });
    }));
}

if (isNode && Number(major) >= 24) {
  test("one proxy for all is where requests go, whatever it is called and whoever uses it", () =>
    withProxy(async (url, asked) => {
      const { host } = new URL(url);
      // A password that nobody has escaped.
      for (const proxy of [url, `http://ac%me:50%@${host}`]) {
        for (const told of ["1", ""]) {
          asked.length = 0;
          const env = { ...NONE, ALL_PROXY: proxy, NODE_USE_ENV_PROXY: told };
          const { code, stderr } = await lading(["digest", "--plain-http", `${HOST}/app:1`], {
            env,
          });
          assert.equal(code, 3, stderr);
          assert.ok(asked.some((line) => line.includes(HOST)), asked.join("\n"));
        }
      }
      // Those of SOCKS are for other programs.
      asked.length = 0;
      const both = { http_proxy: url, all_proxy: "socks5://127.0.0.1:1" };
      const env = { ...NONE, ...both, NODE_USE_ENV_PROXY: "" };
      assert.equal((await lading(["digest", "--plain-http", `${HOST}/app:1`], { env })).code, 3);
      assert.ok(asked.some((line) => line.includes(HOST)), asked.join("\n"));
    }));

  test(
    "programs that are started are not told to use the proxies too",
    { skip: noShell },
    () =>
      inScratch(async (folder) => {
        const said = join(folder, "said");
        writeFileSync(
          join(folder, "ssh"),
          `#!/bin/sh\nprintf '[%s]' "$NODE_USE_ENV_PROXY" >> ${said}\nexit 255\n`,
        );
        chmodSync(join(folder, "ssh"), 0o755);
        const proxy = { http_proxy: "http://127.0.0.1:1", NODE_USE_ENV_PROXY: "" };
        const PATH = `${folder}:${process.env["PATH"]}`;
        const env = { ...NONE, ...proxy, PATH, DOCKER_HOST: "ssh://far.test" };
        assert.equal((await lading(["engine", "images"], { env })).code, 1);
        assert.match(readFileSync(said, "utf8"), /^(\[\])+$/);
      }),
  );

  test("what is on loopback, and what no_proxy names, goes to no proxy", () =>
    withProxy(async (url, asked) => {
      await withBench(async ({ host, asked: direct }) => {
        for (const no_proxy of ["", "example.test"]) {
          const env = { http_proxy: url, no_proxy, NODE_USE_ENV_PROXY: "" };
          assert.equal((await lading(["digest", `${host}/app:1`], { env })).code, 3);
        }
        assert.ok(direct.length > 0);
      });
      const env = { http_proxy: url, no_proxy: HOST, NODE_USE_ENV_PROXY: "" };
      await lading(["digest", "--plain-http", `${HOST}/app:1`], { env });
      assert.deepEqual(asked, []);
    }));
}

if (isNode && Number(major) < 24) {
  test("a proxy that this version of Node cannot use is named when nothing answers", async () => {
    const env = { HTTPS_PROXY: "http://127.0.0.1:1", NODE_USE_ENV_PROXY: "" };
    const { code, stderr } = await lading(["digest", "127.0.0.1:1/app:1"], { env });
    assert.equal(code, 1);
    assert.match(stderr, /; this version of Node does not use the proxy/);
  });
}

test("without a proxy in the environment nothing but the registry is asked", () =>
  withProxy(async (url, asked) => {
    const host = new URL(url).host;
    const env = { http_proxy: "", HTTP_PROXY: "", https_proxy: "", NODE_USE_ENV_PROXY: "" };
    const { code } = await lading(["digest", `${host}/app:1`], { env });
    assert.notEqual(code, 0);
    assert.match(asked[0] ?? "", /^HEAD \/v2\/|^GET \/v2\//);
  }));

const skip = missing("openssl");
const isAble = runtime !== "node" || Number(major) >= 24;

/** A proxy that opens tunnels to one server, whatever it is asked for, for one user. */
async function withTunnels(
  port: number,
  use: (url: string, asked: string[]) => Promise<void>,
): Promise<void> {
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  const authorization = `proxy-authorization: Basic ${btoa("acme:p@ss")}`;
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.once("data", (chunk) => {
      const head = chunk.toString("latin1");
      asked.push(head.split("\r\n", 1)[0] ?? "");
      if (!head.includes(authorization)) {
        return void socket.end("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
      }
      const upstream = connect(port, "127.0.0.1", () => {
        socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
        socket.pipe(upstream).pipe(socket);
      });
      sockets.add(upstream);
      upstream.on("error", () => socket.destroy());
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    await use(`127.0.0.1:${(server.address() as AddressInfo).port}`, asked);
  } finally {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  }
}

if (isAble) {
  test(
    "certificates of one's own and the proxies of the environment go together",
    { skip },
    () =>
      inScratch(async (folder) => {
        const [key, cert] = [join(folder, "server.key"), join(folder, "server.crt")];
        await mustRun("openssl", [
          ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"],
          ...["-days", "2", "-subj", "/CN=registry", "-keyout", key, "-out", cert],
          ...["-addext", "subjectAltName=DNS:registry.test"],
        ]);
        const tls = { key: readFileSync(key, "utf8"), cert: readFileSync(cert, "utf8") };
        const tags = { name: "app", tags: ["one"] };
        const server = await startServer((_, response) => {
          response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(tags));
        }, { tls });
        const list = (https_proxy: string, no_proxy = "") => {
          const env = {
            https_proxy,
            HTTPS_PROXY: "",
            no_proxy,
            NO_PROXY: "",
            NODE_USE_ENV_PROXY: "",
          };
          return lading(["tags", `${HOST}/app`, "--ca-cert", cert], { env });
        };
        try {
          await withTunnels(server.port, async (proxy, asked) => {
            const run = await list(`http://acme:p%40ss@${proxy}`);
            assert.deepEqual([run.code, run.stdout], [0, "one\n"], run.stderr);
            // Deno looks for a new version of itself too.
            const tunnels = () => asked.filter((line) => line.includes(HOST));
            assert.deepEqual([...new Set(tunnels())], [`CONNECT ${HOST} HTTP/1.1`]);
            const refused = await list(proxy);
            assert.equal(refused.code, 1);
            assert.match(refused.stderr, /: the proxy [\d.:]+ answered "407 Proxy Authentication/);
            asked.length = 0;
            for (const direct of ["*", HOST, "registry.test", "other.test, .test"]) {
              const { code, stderr } = await list(`http://acme:p%40ss@${proxy}`, direct);
              assert.equal(code, 1, direct);
              assert.match(stderr, /there is no such host/, direct);
            }
            assert.deepEqual(asked, []);
          });
          const socks = await list("socks5://acme:CANARY@127.0.0.1:1");
          assert.equal(socks.code, 1);
          assert.match(
            socks.stderr,
            /^lading: [^\n]*(through the proxy socks5:\/\/127\.0\.0\.1:1: it has to be one of http|it takes those of http and https)\n$/,
          );
          assert.doesNotMatch(socks.stderr, /CANARY/);
        } finally {
          await server.close();
        }
      }),
  );
}
