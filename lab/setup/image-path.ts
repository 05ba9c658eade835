// Runs on Node 24: node24 image-path.ts CACHE. Prints the folder of the image that this checkout's lab wants.
import { dirname } from "node:path";
import { imagePath } from "../machines/image.ts";

process.stdout.write(dirname(await imagePath(process.argv[2] ?? "")));
