/** A real pull-through cache as a mirror. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import assert from "node:assert/strict";
import type { Transport } from "../../lib/model/transport.ts";
import { hostTransport } from "../../lib/runtime/host_transport.ts";
import { randomImage } from "../../lib/testing/mod.ts";
import { openSource, openTarget, pull, validate } from "../../mod.ts";
import { withDockerRegistry } from "../support/docker_registry.ts";
import { inScratch, missing, mustRun } from "../support/program.ts";

test(
  "distribution's pull-through cache is a mirror, filled by what is pulled through it",
  {
    skip: missing("docker-registry", "skopeo"),
  },
  () =>
    inScratch((folder) =>
      withDockerRegistry(join(folder, "origin"), (origin) =>
        withDockerRegistry(
          join(folder, "mirror"),
          async (mirror) => {
            const image = await randomImage("mirrors");
            const target = openTarget(`${origin}/acme/app:1`);
            await image.pushTo(target.content, "1");
            await target.close();
            const asked: string[] = [];
            const send = hostTransport();
            const transport: Transport = (request) => {
              asked.push(new URL(request.url).host);
              return send(request);
            };
            const options = { transport, mirrors: { [origin]: [mirror] } };
            const layout = `oci:${folder}/pulled:1`;
            const { descriptor } = await pull(`${origin}/acme/app:1`, layout, options);
            assert.equal(descriptor.digest, image.descriptor.digest);
            assert.deepEqual(new Set(asked), new Set([mirror]));

            const { stdout } = await mustRun("skopeo", ["inspect", "--raw", layout]);
            assert.equal(JSON.parse(stdout).schemaVersion, 2);
            const hex = image.descriptor.digest.slice("sha256:".length);
            const kept = `registry/docker/registry/v2/blobs/sha256/${hex.slice(0, 2)}/${hex}/data`;
            assert.ok(existsSync(join(folder, "mirror", kept)));

            const source = openSource(`${origin}/acme/app:1`, options);
            assert.equal((await validate(source.content, source.reference)).ok, true);
            await source.close();
            assert.deepEqual(new Set(asked), new Set([mirror]));
          },
          undefined,
          `http://${origin}`,
        ))
    ),
);
