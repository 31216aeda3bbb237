import { PLATFORM_SHAPE, type Shape } from "./_shape.ts";

/** OCI image-spec, config.md. */
export const CONFIG_SHAPE: Shape = {
  ...PLATFORM_SHAPE,
  created: true,
  author: true,
  config: {
    User: true,
    ExposedPorts: "map",
    Env: true,
    Entrypoint: true,
    Cmd: true,
    Volumes: "map",
    WorkingDir: true,
    Labels: "map",
    StopSignal: true,
    ArgsEscaped: true,
    Healthcheck: {
      Test: true,
      Interval: true,
      Timeout: true,
      StartPeriod: true,
      StartInterval: true,
      Retries: true,
    },
    OnBuild: true,
    Shell: true,
  },
  rootfs: { type: true, diff_ids: true },
  history: { created: true, created_by: true, author: true, comment: true, empty_layer: true },
};
