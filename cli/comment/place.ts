import { z } from "zod";
import { jsonOrUndefined } from "../../deployer/json.ts";
import type { Repository } from "./api.ts";
import type { Place } from "./forge.ts";

export const forges = ["github", "forgejo", "gitlab"] as const;

/** What a person says of the place; the rest is the workflow's to say. */
export type Named = Partial<Omit<Place, "token">>;

type Environment = Readonly<Record<string, string | undefined>>;

const event = z.looseObject({
  number: z.int().optional(),
  pull_request: z.looseObject({ number: z.int() }).optional(),
  issue: z.looseObject({ number: z.int(), pull_request: z.looseObject({}).optional() }).optional(),
});

/**
 * Where the pull request of a workflow is: from what was named, and from the variables that GitHub, Forgejo and GitLab give every job.
 * @param eventText what GITHUB_EVENT_PATH leads to
 * @returns the place, or what is missing of it
 */
export function placeOf(
  named: Named,
  env: Environment,
  eventText: string | undefined,
): Place | { missing: string[] } {
  const found = repositoryOf(named, env);
  const forge = named.forge ?? forgeOf(env);
  const number =
    named.number ??
    (forge === "gitlab" ? wholeNumber(env["CI_MERGE_REQUEST_IID"]) : numberInEvent(eventText));
  if (!("missing" in found) && number) return { ...found, number };
  return { missing: [...("missing" in found ? found.missing : []), ...(number ? [] : ["--number"])] };
}

/** The number of a workflow's pull request, likewise; undefined where neither tells. */
export const numberOf = (env: Environment, eventText: string | undefined): number | undefined =>
  forgeOf(env) === "gitlab" ? wholeNumber(env["CI_MERGE_REQUEST_IID"]) : numberInEvent(eventText);

/** The repository of a workflow, likewise. */
export function repositoryOf(
  named: Omit<Named, "number">,
  env: Environment,
): Repository | { missing: string[] } {
  const forge = named.forge ?? forgeOf(env);
  const gitlab = forge === "gitlab";
  const token =
    env["BERTH_FORGE_TOKEN"] ??
    (gitlab ? env["GITLAB_TOKEN"] : (env["FORGEJO_TOKEN"] ?? env["GITHUB_TOKEN"]));
  const api = named.api ?? env[gitlab ? "CI_API_V4_URL" : "GITHUB_API_URL"];
  const repository = named.repository ?? env[gitlab ? "CI_PROJECT_ID" : "GITHUB_REPOSITORY"];
  if (forge && api && repository && token) return { forge, api, repository, token };
  return {
    missing: [
      ...(forge ? [] : ["--forge"]),
      ...(api ? [] : ["--api"]),
      ...(repository ? [] : ["--repository"]),
      ...(token ? [] : ["the token, in BERTH_FORGE_TOKEN"]),
    ],
  };
}

function forgeOf(env: Environment): Place["forge"] | undefined {
  if (env["GITLAB_CI"] !== undefined) return "gitlab";
  if (env["FORGEJO_ACTIONS"] !== undefined || env["GITEA_ACTIONS"] !== undefined) return "forgejo";
  return env["GITHUB_ACTIONS"] === undefined ? undefined : "github";
}

function numberInEvent(text: string | undefined): number | undefined {
  const told = event.safeParse(jsonOrUndefined(text ?? "")).data;
  return told?.pull_request?.number ?? (told?.issue?.pull_request ? told.issue.number : undefined);
}

const wholeNumber = (text: string | undefined): number | undefined =>
  text !== undefined && /^[1-9]\d*$/.test(text) ? Number(text) : undefined;
