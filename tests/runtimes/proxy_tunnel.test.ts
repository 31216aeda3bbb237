import * as net from "node:net";
import { test } from "node:test";
import assert from "node:assert/strict";
import { isLadingError } from "../../lib/model/errors.ts";
import { openTunnel } from "../../lib/runtime/_proxy_tunnel.ts";

const SERVER = new URL("https://registry.test:5000/");

/** A proxy that answers each request with these pieces, and leaves the connection open. */
async function withProxy(
  pieces: readonly string[],
  use: (proxy: URL, heads: string[]) => Promise<void>,
): Promise<void> {
  const heads: string[] = [];
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.setNoDelay(true);
    socket.once("data", async (head) => {
      heads.push(head.toString("latin1"));
      for (const piece of pieces) {
        await new Promise<void>((resolve) => socket.write(piece, "latin1", () => resolve()));
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const { port } = server.address() as net.AddressInfo;
    await use(new URL(`http://127.0.0.1:${port}`), heads);
  } finally {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  }
}

test("a proxy that refuses is not waited for: what it says comes with its answer", async () => {
  const body = "<html>No.</html>";
  const head = `HTTP/1.1 403 Forbidden\r\ncontent-length: ${body.length}\r\n\r\n`;
  for (const pieces of [[head + body], [head, body], [head.slice(0, 20), head.slice(20) + body]]) {
    await withProxy(pieces, async (proxy) => {
      const error = await openTunnel(net, proxy, SERVER, AbortSignal.timeout(20_000))
        .then(() => undefined, (error: unknown) => error);
      assert.ok(isLadingError(error), String(error));
      assert.equal(error.code, "PROXY_REFUSED");
      assert.match(
        error.message,
        /registry\.test:5000: the proxy [\d.:]+ answered "403 Forbidden"$/,
      );
    });
  }
});

test("an answer that has no end, or is none of http, is no tunnel", async () => {
  await withProxy(["x".repeat(40_000), "x".repeat(40_000)], async (proxy) => {
    await assert.rejects(openTunnel(net, proxy, SERVER, AbortSignal.timeout(20_000)), TypeError);
  });
  await withProxy(["SSH-2.0-server\r\n\r\n"], async (proxy) => {
    await assert.rejects(openTunnel(net, proxy, SERVER, AbortSignal.timeout(20_000)), TypeError);
  });
});

test("a tunnel is open once the proxy says so", async () => {
  await withProxy(["HTTP/1.1 200 Connection", " established\r\n\r\n"], async (proxy) => {
    const socket = await openTunnel(net, proxy, SERVER, AbortSignal.timeout(20_000));
    assert.equal(socket.destroyed, false);
    socket.destroy();
  });
});

test("a percent sign in the name of a user that escapes nothing stands for itself", async () => {
  const users: readonly [string, string, string][] = [
    ["ac%me", "50%", "ac%me:50%"],
    ["ac%25me", "p%40ss", "ac%me:p@ss"],
    ["%ff", "p%40ss", "%ff:p@ss"],
  ];
  for (const [username, password, pair] of users) {
    await withProxy(["HTTP/1.1 200 OK\r\n\r\n"], async (proxy, heads) => {
      const named = new URL(`http://${username}:${password}@${proxy.host}`);
      (await openTunnel(net, named, SERVER, AbortSignal.timeout(20_000))).destroy();
      assert.ok(heads[0]?.includes(`\r\nproxy-authorization: Basic ${btoa(pair)}\r\n`), heads[0]);
    });
  }
});
