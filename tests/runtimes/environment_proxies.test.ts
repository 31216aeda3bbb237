// Proxies that the environment names: requests go there, as those of the runtime's fetch do.
import { type AddressInfo, createServer, type Socket } from "node:net";
import process from "node:process";
import { test } from "node:test";
import assert from "node:assert/strict";
import { detectRuntime } from "../../lib/runtime/detect.ts";
import { lading, withBench } from "./lading_process.ts";

const HOST = "registry.test:5000";
const runtime = detectRuntime();

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

if (isNode && Number(major) >= 24) {
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
