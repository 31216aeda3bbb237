// A registry on loopback that counts moments: requests, and pieces of blobs. Tests end a pull at one
// of them, however fast the machine is.
import { serve } from "../../lib/runtime/serve.ts";
import {
  type FaultyTransport,
  faultyTransport,
  memoryRegistry,
  type RandomImage,
} from "../../lib/testing/mod.ts";

/** A registry with one image, `acme/app:1`. */
export interface MomentRegistry {
  /** The image, as a pull names it. */
  readonly name: string;
  readonly transport: FaultyTransport;
  /** The moments since the last call. */
  count(): number;
  /** Has something done at a moment from now on. */
  at(moment: number, act: () => void): void;
  close(): Promise<void>;
}

/** Serves an image in pieces of some bytes. */
export async function momentRegistry(image: RandomImage, bytes: number): Promise<MomentRegistry> {
  const registry = memoryRegistry({ host: "127.0.0.1" });
  await image.pushTo(registry.store, "acme/app:1");
  let moment = 0;
  let wanted = Infinity;
  let act = () => {};
  const tick = () => {
    if (++moment !== wanted) return;
    wanted = Infinity;
    act();
  };
  const transport = faultyTransport(registry.transport, [
    { path: /\/blobs\//, fault: { kind: "throttle", bytes, ms: 1 } },
  ], {
    async sleep(ms) {
      tick();
      await new Promise((resolve) => setTimeout(resolve, ms));
    },
  });
  const server = await serve((request) => {
    tick();
    const { pathname, search } = new URL(request.url);
    return transport(new Request(`http://127.0.0.1${pathname}${search}`, request));
  });
  return {
    name: `127.0.0.1:${server.port}/acme/app:1`,
    transport,
    count() {
      const count = moment;
      moment = 0;
      return count;
    },
    at(next, does) {
      moment = 0;
      wanted = next;
      act = does;
    },
    close: () => server.close(),
  };
}
