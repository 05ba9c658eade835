import { z } from "zod";
import { messageOf } from "../../deployer/failure.ts";
import { type AskOptions, ForgeApi, pathOf, type Repository } from "./api.ts";

const pull = z.looseObject({ state: z.string() });
/** How forges call a pull request that may still change. */
const open = ["open", "opened", "locked"];

/**
 * Whether a pull request is open. One that the forge does not know is over, once the same token has seen its repository; what cannot be
 * asked is unknown.
 */
export async function pullStateOf(
  at: Repository,
  number: number,
  options: AskOptions = {},
): Promise<{ state: "open" | "over" } | { state: "unknown"; because: string }> {
  const api = new ForgeApi(
    at,
    { where: `${at.repository}#${number}`, right: "pull-requests: read" },
    options,
  );
  const kind = at.forge === "gitlab" ? "merge_requests" : "pulls";
  try {
    const answer = await api.ask("GET", `${pathOf(at)}/${kind}/${number}`, "ask whether it is open");
    const told = pull.safeParse(answer);
    if (!told.success) return { state: "unknown", because: "the forge's answer says nothing of it" };
    return { state: open.includes(told.data.state) ? "open" : "over" };
  } catch (error) {
    const because = messageOf(error);
    if (!because.includes("it answered 404")) return { state: "unknown", because };
    // A token that may not see the repository is answered the same.
    return await api.ask("GET", pathOf(at), "ask for the repository").then(
      () => ({ state: "over" }),
      (refused: unknown) => ({ state: "unknown", because: messageOf(refused) }),
    );
  }
}
