import { utf8 } from "./schema1_sample.ts";
import type { Bytes } from "../../lib/model/bytes.ts";

/** A manifest as docker-registry 2.8.2 served and signed it, byte for byte. */
export const RECORDED_SCHEMA1: Bytes = utf8(String.raw`{
   "schemaVersion": 1,
   "name": "acme/app",
   "tag": "1",
   "architecture": "amd64",
   "fsLayers": [
      {
         "blobSum": "sha256:4e7bef577f9bee011a09e97bcba4af76619b312587d0e7778df0a8e78ef152b5"
      },
      {
         "blobSum": "sha256:fd4e6e3e0905deac48aabfbd0ecb1d2508a5f886cfd24c09f1bc9a4d51a8157e"
      }
   ],
   "history": [
      {
         "v1Compatibility": "{\"architecture\":\"amd64\",\"config\":{\"Env\":[\"PATH=/usr/bin:/bin\"],\"Cmd\":[\"/bin/sh\"],\"Labels\":{\"seed\":\"s\"}},\"created\":\"1970-01-01T00:00:00Z\",\"id\":\"275eb535729b0df0f2448fc267d0a61d379872e90129fbc6d0c6094a5c308176\",\"os\":\"linux\",\"parent\":\"be91be9be41cd710e84015670cf5c89146980b20a0417b355ac13e4e8eff5d27\"}"
      },
      {
         "v1Compatibility": "{\"id\":\"be91be9be41cd710e84015670cf5c89146980b20a0417b355ac13e4e8eff5d27\",\"created\":\"1970-01-01T00:00:00Z\",\"container_config\":{\"Cmd\":[\"random layer 0\"]}}"
      }
   ],
   "signatures": [
      {
         "header": {
            "jwk": {
               "crv": "P-256",
               "kid": "YNRO:VKZ6:EZX3:J2HM:5AY6:IEPB:PXJO:BBI2:W23K:KHNJ:VIER:HOH2",
               "kty": "EC",
               "x": "eCRh8QJwiggfDJUivzAX_nNUZAvvt4Ntuj44TGzfBCI",
               "y": "O2Q5g234fCpDkUhB3rIfshFr8jPuhIThzmtju8rOsrU"
            },
            "alg": "ES256"
         },
         "signature": "bzFKptirDvh1KVqlYOm3UtzbHzJLKQrh9FYI1d6fKJEw1hyfokWFZpx2Cf9XPUzXc1qCReRg7A-u8_ap0rKHdA",
         "protected": "eyJmb3JtYXRMZW5ndGgiOjk1MCwiZm9ybWF0VGFpbCI6IkNuMCIsInRpbWUiOiIyMDI2LTExLTIxVDA3OjU2OjEwWiJ9"
      }
   ]
}`);
