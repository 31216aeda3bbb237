import type { CallOptions } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { isJSONObject } from "../model/json_object.ts";
import type { Platform } from "../model/platform.ts";
import type { EngineClient } from "./engine_client.ts";
import { descriptorField, textField } from "./_fields.ts";
import { imageName } from "./names.ts";
import { platformJSON } from "./query.ts";

/** Options of {@linkcode EngineImages.attestations}. */
export interface AttestationsOptions extends CallOptions {
  /** Whose image of an index; default the engine's own platform. */
  readonly platform?: Platform | string | undefined;
  /**
   * Lists what has one of these predicate types alone, such as `https://slsa.dev/provenance/v1`;
   * default all.
   */
  readonly types?: readonly string[] | undefined;
  /** Gives the statements along, which the engine has to read for it. */
  readonly statements?: boolean | undefined;
}

/** What somebody attests about an image: how it was built, what is in it. */
export interface ImageAttestation {
  /** Where the statement is stored, as engines tell. */
  readonly descriptor: Descriptor | undefined;
  /** What kind of statement it is, a URI. */
  readonly predicateType: string;
  /** The statement (in-toto), where it was asked for. */
  readonly statement: Readonly<Record<string, unknown>> | undefined;
}

/** Asks the engine what is attested about an image. */
export async function imageAttestations(
  client: EngineClient,
  name: string,
  { platform, types = [], statements, signal }: AttestationsOptions = {},
): Promise<ImageAttestation[]> {
  const { path, shown } = imageName(name);
  const action = `list the attestations of image ${shown}`;
  const query = {
    platform: platformJSON(platform),
    type: types.map((type) => checkedType(type, action)),
    statement: statements === true || undefined,
  };
  await client.require({ since: "1.55", name: "listing attestations" }, action, { signal });
  const found = await client.list({
    action,
    method: "GET",
    path: `/images/${path}/attestations`,
    query,
    isAboutImage: true,
    signal,
  });
  return found.map((attestation) => {
    const { Statement: statement } = attestation;
    return {
      descriptor: descriptorField(attestation, "Descriptor"),
      predicateType: textField(attestation, "PredicateType"),
      statement: isJSONObject(statement) ? statement : undefined,
    };
  });
}

/** Engines pass over blank types, and would list everything. */
function checkedType(type: string, action: string): string {
  if (type.trim() !== "" && !/\p{Cc}/u.test(type)) return type;
  throw new TypeError(`Cannot ${action}: ${JSON.stringify(type)} is no predicate type`);
}
