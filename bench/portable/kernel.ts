// How fast is each stage of the kernel beside what the runtime has of its own, and beside packages?
import { ask } from "./_bench.ts";
import { deflate } from "./_deflate.ts";
import { crc32, sha256, sha512 } from "./_hashes.ts";
import { inflate } from "./_inflate.ts";

ask({ inflate, sha256, sha512, crc32, deflate });
