import type { MemoryImage } from "./memory-driver.ts";

/** Labels by which an image says how it behaves where nothing of it is run. */
export const labels = {
  /** What it answers; the variable APP_ECHO_ME of its environment behind it. */
  says: "lab.says",
  /** The status of /healthz. @default 200 */
  health: "lab.health",
  /** Regions in which that status is meant, apart by commas. @default all */
  sickIn: "lab.sick-in",
  /** "1500 1": its process ends with 1 after 1500 ms. */
  ends: "lab.ends",
  /** Milliseconds until it listens. */
  listens: "lab.listens-after",
} as const;

/** How an image with these labels behaves. */
export function playedImage(said: Readonly<Record<string, string>>): MemoryImage {
  const { [labels.ends]: ends, [labels.listens]: listens, [labels.health]: health = "200" } = said;
  const [after = 0, exitCode = 0] = (ends ?? "").split(" ").map(Number);
  const sickIn = said[labels.sickIn]?.split(",");
  return {
    answer: ({ path }, env) => {
      const sick = !sickIn || sickIn.includes(env["FLY_REGION"] ?? "");
      return {
        status: path === "/healthz" && sick ? Number(health) : 200,
        body: `${said[labels.says] ?? "?"} ${env["APP_ECHO_ME"] ?? ""}`.trim(),
      };
    },
    ...(listens !== undefined && { listensAfter: Number(listens) }),
    ...(ends !== undefined && { ends: () => ({ after, exitCode }) }),
  };
}
