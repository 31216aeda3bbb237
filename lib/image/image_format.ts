export type { ImageFormat } from "../model/image_format.ts";
