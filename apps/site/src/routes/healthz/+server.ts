import { version } from "$app/env";
import { healthAnswer } from "../../lib/server/health.ts";
import { releaseOf } from "../../lib/server/release.ts";

export const GET = (): Response => healthAnswer(releaseOf(process.env, version));
