/** Whose media types manifest, config and layers have. */
export type ImageFormat = "oci" | "docker";
