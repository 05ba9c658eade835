import { z } from "zod";
import { jsonOrUndefined } from "../../deployer/json.ts";
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
  const forge = named.forge ?? forgeOf(env);
  const found = forge === "gitlab" ? atGitlab(env) : inActions(env, eventText);
  const token =
    env["BERTH_FORGE_TOKEN"] ??
    (forge === "gitlab" ? env["GITLAB_TOKEN"] : (env["FORGEJO_TOKEN"] ?? env["GITHUB_TOKEN"]));
  const api = named.api ?? found.api;
  const repository = named.repository ?? found.repository;
  const number = named.number ?? found.number;
  if (forge && api && repository && number && token) return { forge, api, repository, number, token };
  return {
    missing: [
      ...(forge ? [] : ["--forge"]),
      ...(api ? [] : ["--api"]),
      ...(repository ? [] : ["--repository"]),
      ...(number ? [] : ["--number"]),
      ...(token ? [] : ["the token, in BERTH_FORGE_TOKEN"]),
    ],
  };
}

function forgeOf(env: Environment): Place["forge"] | undefined {
  if (env["GITLAB_CI"] !== undefined) return "gitlab";
  if (env["FORGEJO_ACTIONS"] !== undefined || env["GITEA_ACTIONS"] !== undefined) return "forgejo";
  return env["GITHUB_ACTIONS"] === undefined ? undefined : "github";
}

const atGitlab = (env: Environment): Named => ({
  api: env["CI_API_V4_URL"],
  repository: env["CI_PROJECT_ID"],
  number: wholeNumber(env["CI_MERGE_REQUEST_IID"]),
});

function inActions(env: Environment, eventText: string | undefined): Named {
  const told = event.safeParse(jsonOrUndefined(eventText ?? "")).data;
  return {
    api: env["GITHUB_API_URL"],
    repository: env["GITHUB_REPOSITORY"],
    number: told?.pull_request?.number ?? (told?.issue?.pull_request ? told.issue.number : undefined),
  };
}

const wholeNumber = (text: string | undefined): number | undefined =>
  text !== undefined && /^[1-9]\d*$/.test(text) ? Number(text) : undefined;
