export { formatOf, typeIn } from "../model/image_format.ts";
