import { test } from "node:test";
import assert from "node:assert/strict";
import type { Target } from "../../lib/model/content.ts";
import { copy, planCopy, planSync, sync } from "../../lib/ops/mod.ts";
import { Registry, type Repository } from "../../lib/registry/mod.ts";
import { type MemoryStore, memoryStore } from "../../lib/store/mod.ts";
import { memoryRegistry } from "../../lib/testing/mod.ts";
import { put, putImage, putIndex } from "./content.ts";

/** Calls that are counted, one of which waits for its signal and for nothing else. */
interface Calls {
  made: number;
  readonly hanging: number;
  readonly waits: (call: string) => void;
}

function signalIn(args: readonly unknown[]): AbortSignal | undefined {
  for (const arg of args) {
    if (typeof arg === "object" && arg !== null && "signal" in arg) {
      return arg.signal instanceof AbortSignal ? arg.signal : undefined;
    }
  }
  return undefined;
}

/** A place all of whose methods are counted; lists count when they are read. */
function counted<Place extends object>(place: Place, calls: Calls): Place {
  const wait = async (name: string, args: readonly unknown[]): Promise<void> => {
    if (++calls.made !== calls.hanging) return;
    const signal = signalIn(args);
    calls.waits(name);
    await new Promise((_, reject) => {
      if (signal?.aborted) reject(signal.reason);
      signal?.addEventListener("abort", () => reject(signal.reason));
    });
  };
  return new Proxy(place, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== "function") return value;
      return (...args: readonly unknown[]) => {
        const call = () => value.apply(target, args);
        if (!["roots", "referrers", "tags"].includes(String(name))) {
          return (async () => {
            await wait(String(name), args);
            return await call();
          })();
        }
        return (async function* () {
          await wait(String(name), args);
          yield* call();
        })();
      };
    },
  });
}

/** An index of two images, one of them with a referrer, and a tag that is about the index. */
async function signed(): Promise<MemoryStore> {
  const store = memoryStore();
  const one = await putImage(store, ["shared", "one"]);
  const two = await putImage(store, ["shared", "two"], { architecture: "arm64" });
  const { digest } = await putIndex(store, [one, two], "1");
  await putImage(store, ["signature"], { reference: `${digest.replace(":", "-")}.sig` });
  const { mediaType, size } = one;
  await put(store, mediaType, {
    schemaVersion: 2,
    mediaType,
    config: await put(store, "application/vnd.oci.empty.v1+json", "{}"),
    layers: [await put(store, "text/plain", "about one")],
    subject: { mediaType, digest: one.digest, size },
  });
  return store;
}

/** What there is to copy, and a new target each time. */
interface Places {
  readonly from: From;
  readonly target: (run: number) => Target;
}

async function placesOf(kind: string): Promise<Places> {
  const store = await signed();
  if (kind === "stores") return { from: store, target: () => memoryStore() };
  const { host, transport } = memoryRegistry();
  const registry = new Registry(host, { transport });
  const from = registry.repository("acme/from");
  await copy(store, "1", from, { referrers: true, digestTags: true });
  return { from, target: (run) => registry.repository(`acme/to-${run}`) };
}

type From = MemoryStore | Repository;

const options = { referrers: true, jobs: 2 } as const;

const WORKS: Readonly<
  Record<string, (from: From, to: Target, signal: AbortSignal) => PromiseLike<unknown>>
> = {
  "copy()": (from, to, signal) => copy(from, "1", to, { ...options, digestTags: true, signal }),
  "copy() that refuses": (from, to, signal) =>
    copy(from, "1", to, { existing: "refuse", targetReference: "2", signal }),
  "planCopy()": (from, to, signal) => planCopy(from, "1", to, { ...options, signal }),
  "sync()": (from, to, signal) => sync(from, to, { signal }),
  "planSync()": (from, to, signal) => planSync(from, to, { signal }),
};

for (const kind of ["stores", "repositories"]) {
  for (const [name, work] of Object.entries(WORKS)) {
    test(`whichever call waits, an abort ends ${name} between ${kind} with its reason`, async () => {
      const { from, target } = await placesOf(kind);
      let total = Infinity;
      for (let hanging = 0; hanging <= total; hanging++) {
        const controller = new AbortController();
        const reason = new Error("enough");
        let waiting = "";
        const calls: Calls = {
          made: 0,
          hanging,
          waits(call) {
            waiting = call;
            setTimeout(() => controller.abort(reason), 0);
          },
        };
        const to = counted(target(hanging), calls);
        const working = work(counted(from, calls), to, controller.signal);
        if (hanging === 0) {
          await working;
          total = calls.made;
          continue;
        }
        let timer: ReturnType<typeof setTimeout> | undefined;
        const end = await Promise.race([
          Promise.resolve(working).then(() => "it went on", (error: unknown) => error),
          new Promise((resolve) => timer = setTimeout(resolve, 20_000, "nothing ended it")),
        ]);
        clearTimeout(timer);
        // What runs at the same time may take another turn: then fewer calls are made.
        if (waiting === "") assert.equal(end, "it went on");
        else assert.equal(end, reason, `call ${hanging} of ${total}, ${waiting}`);
      }
      assert.ok(total > 5, `${total} calls`);
    });
  }
}
