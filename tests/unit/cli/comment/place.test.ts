import { expect, test } from "vitest";
import { placeOf } from "../../../../cli/comment/place.ts";

const actions = { GITHUB_API_URL: "https://api.example", GITHUB_REPOSITORY: "ada/shop", GITHUB_TOKEN: "t" };
const event = JSON.stringify({ number: 7, pull_request: { number: 7 } });

test.each([
  [
    "github",
    { ...actions, GITHUB_ACTIONS: "true" },
    event,
    { forge: "github", api: "https://api.example", repository: "ada/shop", number: 7, token: "t" },
  ],
  [
    "forgejo",
    { ...actions, GITHUB_ACTIONS: "true", FORGEJO_ACTIONS: "true" },
    event,
    { forge: "forgejo", api: "https://api.example", repository: "ada/shop", number: 7, token: "t" },
  ],
  [
    "gitlab",
    {
      GITLAB_CI: "true",
      CI_API_V4_URL: "https://lab.example/api/v4",
      CI_PROJECT_ID: "12",
      CI_MERGE_REQUEST_IID: "3",
      GITLAB_TOKEN: "t",
    },
    undefined,
    { forge: "gitlab", api: "https://lab.example/api/v4", repository: "12", number: 3, token: "t" },
  ],
])("a job at %s knows its pull request", (_, env, text, expected) => {
  expect(placeOf({}, env, text)).toEqual(expected);
});

test("what is named counts before what the job knows, and the token of Berth's own before the job's", () => {
  const env = { ...actions, GITHUB_ACTIONS: "true", BERTH_FORGE_TOKEN: "mine" };
  expect(placeOf({ number: 9, repository: "ada/other" }, env, event)).toMatchObject({
    repository: "ada/other",
    number: 9,
    token: "mine",
  });
});

test("an issue is no pull request, and what nobody knows is named", () => {
  const issue = JSON.stringify({ issue: { number: 7 } });
  expect(placeOf({}, { ...actions, GITHUB_ACTIONS: "true" }, issue)).toEqual({ missing: ["--number"] });
  expect(placeOf({}, {}, undefined)).toEqual({
    missing: ["--forge", "--api", "--repository", "the token, in BERTH_FORGE_TOKEN", "--number"],
  });
});
