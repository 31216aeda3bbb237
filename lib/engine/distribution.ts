import type { Operation } from "../bytes/operation.ts";
import type { CallOptions } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { EngineError } from "../model/errors.ts";
import type { JSONObject } from "../model/json_object.ts";
import type { Platform } from "../model/platform.ts";
import { parsePlatform } from "../model/parse_platform.ts";
import { matchPlatform } from "../model/platform_match.ts";
import { formatRawReference } from "../model/reference.ts";
import type { EngineCredentials } from "./auth_header.ts";
import { descriptorField, objectsField, shortIDOf, textField } from "./_fields.ts";
import type { EngineClient } from "./engine_client.ts";
import type { EngineEvent } from "./events.ts";
import type { EngineImage } from "./image.ts";
import { remoteName } from "./names.ts";
import { enginePlatform } from "./platform.ts";
import { pullImage, type PullOptions } from "./pull.ts";
import { registryAuth } from "./_registry_auth.ts";

/** Options of {@linkcode EngineImages.distribution}. */
export interface DistributionOptions extends CallOptions {
  /** Credentials for the registry; default those that the machine keeps for it. */
  readonly credentials?: EngineCredentials | undefined;
}

let make: (...args: ConstructorParts) => RegistryData;

/** What the data is made of. */
type ConstructorParts = readonly [EngineClient, string, JSONObject, DistributionOptions];

/** What a registry says of an image, by way of the engine. */
export class RegistryData {
  readonly #client: EngineClient;
  readonly #options: DistributionOptions;
  /** The name that was asked for. */
  readonly name: string;
  #attrs: JSONObject;

  static {
    make = (...parts) => new RegistryData(...parts);
  }

  private constructor(...[client, name, attrs, { credentials }]: ConstructorParts) {
    this.#client = client;
    this.name = name;
    this.#attrs = attrs;
    this.#options = { credentials };
  }

  /** All that the engine said, with its own names. */
  get attrs(): Readonly<Record<string, unknown>> {
    return this.#attrs;
  }

  /** The manifest that the name stands for. */
  get descriptor(): Descriptor {
    return descriptorField(this.#attrs, "Descriptor") ?? { mediaType: "", digest: "", size: 0 };
  }

  /** The digest of the manifest. */
  get id(): string {
    return this.descriptor.digest;
  }

  /** The first digits of the digest. */
  get shortID(): string {
    return shortIDOf(this.id);
  }

  /**
   * Where the image runs; `undefined` when the engine does not tell, as none does of a single
   * manifest of the OCI. What is unknown/unknown is no image but says something about one.
   */
  get platforms(): readonly Platform[] | undefined {
    const { Platforms: found } = this.#attrs;
    if (!Array.isArray(found)) return undefined;
    return objectsField(this.#attrs, "Platforms").map((platform) => {
      const [variant, version] = [
        textField(platform, "variant"),
        textField(platform, "os.version"),
      ];
      return {
        os: textField(platform, "os"),
        architecture: textField(platform, "architecture"),
        ...(variant === "" ? {} : { variant }),
        ...(version === "" ? {} : { "os.version": version }),
      };
    }).filter(({ os }) => os !== "unknown");
  }

  /**
   * Tells whether the registry has the image for a platform.
   *
   * @param platform The platform; what a text leaves out is as on the engine.
   * @param options A signal.
   * @returns Whether it runs there.
   * @throws {InvalidPlatformError} when the text is no platform.
   * @throws {EngineError} when the engine does not tell the platforms of the image.
   */
  async hasPlatform(platform: Platform | string, options: CallOptions = {}): Promise<boolean> {
    const wanted = typeof platform === "string"
      ? parsePlatform(platform, await this.#enginePlatform(platform, options))
      : platform;
    const { platforms } = this;
    if (platforms !== undefined) return platforms.some((one) => matchPlatform(wanted, one));
    throw new EngineError(
      `Cannot tell the platforms of ${
        JSON.stringify(this.name)
      }: the engine looks into indexes and ` +
        "manifests of Docker only; ask the registry itself",
      { status: 200, endpoint: "GET /distribution" },
    );
  }

  /**
   * Pulls exactly the image that was looked at, by its digest, with the same credentials.
   *
   * @param options The platform, and a signal.
   * @returns The operation.
   */
  pull(options: Omit<PullOptions, "tag"> = {}): Operation<EngineImage, EngineEvent> {
    return pullImage(this.#client, remoteName(this.name).repository, {
      ...this.#options,
      ...options,
      tag: this.id,
    });
  }

  /**
   * Asks again, with the same credentials.
   *
   * @param options A signal.
   * @throws {EngineError} when the registry does not have the image any more.
   */
  async reload({ signal }: CallOptions = {}): Promise<void> {
    this.#attrs = await askRegistry(this.#client, this.name, { ...this.#options, signal });
  }

  async #enginePlatform(text: string, { signal }: CallOptions): Promise<Platform | undefined> {
    if (text.includes("/")) return undefined;
    return await enginePlatform(this.#client, { signal });
  }
}

/** Asks a registry about an image, by way of the engine. */
export async function registryData(
  client: EngineClient,
  name: string,
  options: DistributionOptions = {},
): Promise<RegistryData> {
  return make(client, name, await askRegistry(client, name, options), options);
}

async function askRegistry(
  client: EngineClient,
  name: string,
  { credentials, signal }: DistributionOptions,
): Promise<JSONObject> {
  const { reference, repository } = remoteName(name);
  const action = `ask the registry about ${JSON.stringify(name)}`;
  await client.require({ since: "1.30", name: "asking registries" }, action, { signal });
  const path = formatRawReference({ ...reference, name: repository });
  return await client.object({
    action,
    method: "GET",
    path: `/distribution/${path}/json`,
    headers: await registryAuth(client, { at: reference, credentials, signal }),
    isAboutImage: true,
    signal,
  });
}
