// A directory of 5 GiB is packed and sent in the memory that lading promises.
import { mkdirSync, truncateSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import assert from "node:assert/strict";
import { inScratch, mustRun } from "../support/program.ts";

const ALLOWED_MIB = 64;
const SCRIPT = "tests/interop/engine_build_process.ts";
const ID = `sha256:${"5f".repeat(32)}`;

test(`building a directory of 5 GiB stays within ${ALLOWED_MIB} MiB of an idle process`, () =>
  inScratch(async (folder) => {
    const context = join(folder, "context");
    mkdirSync(context);
    writeFileSync(join(context, "Dockerfile"), "FROM scratch\nCOPY . /\n");
    // Files of holes take no room on the disk, and as many bytes in the archive as others.
    const size = 1024 ** 3;
    for (let index = 0; index < 5; index++) {
      writeFileSync(join(context, `large${index}`), "");
      truncateSync(join(context, `large${index}`), size);
    }
    let received = 0;
    const server = createServer((request, response) => {
      response.setHeader("api-version", "1.41");
      request.on("data", (chunk: Uint8Array) => received += chunk.length).on("end", () => {
        const isBuild = request.url?.includes("/build") === true;
        response.end(JSON.stringify(isBuild ? { aux: { ID } } : { Id: ID }));
      });
    }).listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    try {
      const host = `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const peak = async (...args: string[]) => {
        const options = { timeoutMs: 600_000 };
        return Number((await mustRun(process.execPath, [SCRIPT, host, ...args], options)).stdout);
      };
      const idle = await peak();
      const built = await peak(context) - idle;
      const figures = `idle ${idle} MiB, build +${built} MiB`;
      console.log(figures);
      assert.ok(received > 5 * size, `${received} bytes arrived`);
      assert.ok(idle > 10 && built < ALLOWED_MIB, figures);
    } finally {
      server.close();
    }
  }));
