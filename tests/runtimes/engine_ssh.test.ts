// The way to an engine at the other end of ssh: the programs that are run for it, and their ends.
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { Socket } from "node:net";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import assert from "node:assert/strict";
import { parseEngineHost } from "../../lib/engine/mod.ts";
import { engineTransport } from "../../lib/runtime/engine_transport.ts";
import { component, inScratch, missing } from "../support/program.ts";
import { type Answer, bodyOf, failure, listening, post, wireOf } from "./engine_wire.ts";
import { LADING, start } from "./lading_process.ts";

const skip = process.platform === "win32" ? "needs a shell" : missing("node24");

/** A program in the place of ssh, and a server in the place of the engine at its other end. */
interface Far {
  readonly sockets: Set<Socket>;
  readonly folder: string;
  /** The command lines of the programs that were run. */
  calls(): string[];
}

async function withSSH(answer: Answer, work: (far: Far) => Promise<void>): Promise<void> {
  await inScratch(async (folder) => {
    const socket = join(folder, "e.sock");
    const log = join(folder, "log");
    writeFileSync(log, "");
    // Stands for ssh and for the docker command there: it writes down how it was called.
    const dial = `import net from "node:net"; const s = net.connect(${JSON.stringify(socket)});` +
      "process.stdin.pipe(s); s.pipe(process.stdout); s.on('close', () => process.stdin.destroy());";
    writeFileSync(join(folder, "dial.mjs"), dial);
    writeFileSync(
      join(folder, "ssh"),
      `#!/bin/sh\nprintf '%s|' "$@" >> ${log}; echo >> ${log}\n` +
        `case "$*" in *refused*) echo "ssh: no route" >&2; exit 255;; esac\n` +
        `exec ${component("node24")} ${folder}/dial.mjs\n`,
    );
    chmodSync(join(folder, "ssh"), 0o755);
    const path = process.env["PATH"];
    process.env["PATH"] = `${folder}:${path}`;
    const calls = (): string[] => readFileSync(log, "utf8").split("\n").slice(0, -1);
    try {
      await listening(
        createServer(answer),
        socket,
        (_, sockets) => work({ sockets, folder, calls }),
      );
    } finally {
      process.env["PATH"] = path ?? "";
    }
  });
}

test("ssh:// runs the docker command at the other end, once for requests in sequence", {
  skip,
}, async () => {
  const blob = new Uint8Array(3_000_000).fill(7);
  const answer: Answer = (request, response) => {
    void bodyOf(request).then((body) => response.end(request.method === "GET" ? blob : body));
  };
  await withSSH(answer, async ({ sockets, calls }) => {
    const endpoint = parseEngineHost("ssh://me@far.test:2222/run/my_docker.sock");
    const { way, url, idle } = wireOf(engineTransport(endpoint), sockets);
    for (let round = 0; round < 2; round++) {
      const got = await way.transport(new Request(url));
      assert.equal((await got.arrayBuffer()).byteLength, blob.length);
      const back = await way.transport(post(url, new Blob([blob]).stream()));
      assert.deepEqual(new Uint8Array(await back.arrayBuffer()), blob);
    }
    assert.equal(sockets.size, 1);
    way.close();
    await idle();
    const far = "-o|ConnectTimeout=30|-T|-l|me|-p|2222|--|far.test|docker|" +
      "--host=unix:///run/my_docker.sock|system|dial-stdio|";
    assert.deepEqual(calls(), [far]);
  });
});

test("what is cancelled over ssh ends its connection, and others go on", { skip }, async () => {
  const answer: Answer = ({ url }, response) => {
    if (url === "/whole") return void response.end("whole");
    response.writeHead(200).write("begun");
  };
  await withSSH(answer, async ({ sockets, calls }) => {
    const { way, idle } = wireOf(engineTransport(parseEngineHost("ssh://far.test")), sockets);
    const ask = (path: string, signal?: AbortSignal) =>
      way.transport(new Request(`${way.baseURL}/${path}`, { signal: signal ?? null }));
    const wholes = await Promise.all([ask("whole"), ask("whole")]);
    for (const whole of wholes) assert.equal(await whole.text(), "whole");
    const cancelled = (await ask("begun")).body?.getReader();
    await cancelled?.read();
    await cancelled?.cancel();
    const stop = new AbortController();
    const aborted = failure((await ask("begun", stop.signal)).text());
    stop.abort("enough");
    assert.equal(await aborted, "enough");
    await idle();
    assert.equal(await (await ask("whole")).text(), "whole");
    way.close();
    await idle();
    assert.equal(calls().length, 3);
  });
});

test("what ssh says when it fails is why the request failed", { skip }, async () => {
  await withSSH(() => {}, async ({ calls }) => {
    const way = engineTransport(parseEngineHost("ssh://refused.test"));
    const error = await failure(way.transport(new Request(`${way.baseURL}/_ping`)));
    assert.match(String(error), /no route/);
    assert.deepEqual(calls(), [
      "-o|ConnectTimeout=30|-T|--|refused.test|docker|system|dial-stdio|",
    ]);
  });
});

test("a connection that waits for the next request keeps no process alive", { skip }, async () => {
  await withSSH((_, response) => void response.end("OK"), async ({ folder }) => {
    const type = import.meta.url.endsWith(".js") ? "js" : "ts";
    const of = (path: string) =>
      JSON.stringify(new URL(`../../lib/${path}.${type}`, import.meta.url));
    const script = join(folder, "ask.mjs");
    writeFileSync(
      script,
      `
      import { setTimeout } from "node:timers";
      import { parseEngineHost } from ${of("engine/endpoint")};
      import { engineTransport } from ${of("runtime/engine_transport")};
      const { transport, baseURL } = engineTransport(parseEngineHost("ssh://far.test"));
      console.log(await (await transport(new Request(baseURL))).text());
      setTimeout(() => process.exit(3), 20_000).unref();
    `,
    );
    const { code, stdout } = await start([...LADING.slice(0, -1), script]).ended;
    assert.deepEqual([code, stdout], [0, "OK\n"]);
  });
});
