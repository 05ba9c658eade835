import { healthAnswer } from "../../lib/server/health.ts";

export const GET = (): Response => healthAnswer(process.env);
