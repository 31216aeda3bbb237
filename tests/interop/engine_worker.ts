// A worker that uses an engine and a registry through service bindings; see engine_workerd.test.ts.
import type { Bytes } from "../../lib/model/bytes.ts";
import { Engine, type EngineEvent } from "../../lib/runtime/engine.ts";
import { writeTar } from "../../lib/tar/writer.ts";
import { clearEngine, ENGINE_SUITE } from "../testing/engine_suite.ts";

interface Service {
  fetch(request: Request): Promise<Response>;
}

interface Environment {
  readonly DOCKER: Service;
  readonly REGISTRY: Service;
  readonly REGISTRY_HOST: string;
}

function check(isTrue: boolean, what: string): void {
  if (!isTrue) throw new Error(`not so: ${what}`);
}

async function bytesOf(stream: ReadableStream<Bytes>): Promise<Bytes> {
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

async function codeOf(work: PromiseLike<unknown>): Promise<unknown> {
  return await work.then(
    () => "it succeeded",
    (error: unknown) => (error as Error & { code: string }).code,
  );
}

/** Does what can be done with images; throws at the first thing that is wrong. */
async function use({ DOCKER, REGISTRY_HOST: host }: Environment): Promise<void> {
  await using engine = await Engine.connect({ transport: DOCKER.fetch.bind(DOCKER) });
  const { images } = engine;
  check((await engine.apiVersion()) === "1.41", "the version");
  const tree = writeTar([{ path: "größe", body: new Uint8Array(500_000).fill(7) }]);
  const image = await images.import(tree, { name: "base:1", changes: ["LABEL a=ü"] });
  check(image.labels["a"] === "ü", "the label");
  check((await images.list()).length === 1, "the list");
  const name = `${host}/acme/app:1`;
  await image.tag(name);
  const push = images.push(name);
  const events: EngineEvent[] = [];
  for await (const event of push) events.push(event);
  check(events.some(({ type }) => type === "layer"), "events of layers");
  const { digest } = await push;
  check((await images.distribution(name)).id === digest, "the digest");
  await images.remove(name);
  check((await images.pull(name)).tags.includes(name), "the pull");
  const archive = await bytesOf(images.save("base:1"));
  await image.remove({ force: true });
  check((await images.load(archive)).names[0] === "base:1", "the load");
  check(
    (await images.load(() => images.save("base:1"))).names[0] === "base:1",
    "the load of a save",
  );
  check(await codeOf(images.load(archive.slice(0, 9000))) === "LOAD_FAILED", "half an archive");
  check(await codeOf(images.get("nosuch")) === "IMAGE_NOT_FOUND", "a missing image");
  check(await codeOf(images.pull(`${host}/acme/app:zz`)) === "PULL_FAILED", "a missing tag");
  const reader = images.save("base:1").getReader();
  await reader.read();
  await reader.cancel();
  const load = images.load(new ReadableStream<Bytes>());
  setTimeout(() => load.abort("enough"), 50);
  check(await load.then(() => "", (reason: unknown) => reason) === "enough", "the abort");
  check((await images.list()).length === 1, "the list in the end");
}

/** Runs a case of the suite, and leaves the engine empty. */
async function runCase(index: number, environment: Environment): Promise<void> {
  const { DOCKER, REGISTRY, REGISTRY_HOST: host } = environment;
  const [transport, registryTransport] = [DOCKER, REGISTRY].map((service) =>
    service.fetch.bind(service)
  );
  const one = ENGINE_SUITE[index];
  if (one === undefined || transport === undefined) throw new Error(`there is no case ${index}`);
  await using engine = await Engine.connect({ transport });
  try {
    await one.run({ engine, transport, baseURL: "http://engine.test", host, registryTransport });
  } finally {
    await clearEngine(engine);
  }
}

const worker: {
  fetch(request: Request, environment: Environment): Promise<Response>;
} = {
  async fetch({ url }, environment) {
    const { pathname } = new URL(url);
    try {
      if (pathname === "/cases") return Response.json(ENGINE_SUITE.map(({ name }) => name));
      if (pathname === "/use") await use(environment);
      else await runCase(Number(pathname.slice(1)), environment);
      return new Response("all is well");
    } catch (error) {
      return new Response(error instanceof Error ? error.stack : String(error), { status: 500 });
    }
  },
};

export default worker;
