/** Preloaded by each Node of Berth's: what it compiles, and what it makes of TypeScript, is kept for the next start. */
import { enableCompileCache } from "node:module";
import { homedir } from "node:os";
import { join } from "node:path";

// In a folder of the user's own: what lies here is run. Where it cannot be written, Node does without.
enableCompileCache(join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "berth", "node"));
