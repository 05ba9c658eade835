// Runs on Node 24: node24 image-path.ts CACHE [--docker]. Prints the folder of the image that this checkout's lab wants, or of what the
// one with Docker has over it.
import { dirname } from "node:path";
import { dockerLayerPath } from "../machines/docker-layer.ts";
import { imagePath } from "../machines/image.ts";

const [, , cache = "", docker] = process.argv;
process.stdout.write(dirname(await (docker ? dockerLayerPath : imagePath)(cache)));
