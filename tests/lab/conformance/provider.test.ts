import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import type { RequestRecord } from "../../../lab/cloud/http.ts";
import { hcloudStandIn } from "../../../lab/plugins/hcloud/provider.ts";
import { checkout } from "../../../lab/setup/places.mjs";
import { EngineDouble } from "../../unit/provider/client.ts";
import { listeningCloud, token } from "../cloud/client.ts";
import { writeKeys } from "./keys.ts";
import { Play, type Step, script } from "./play.ts";
import { NO_PLUGIN, realPlugin } from "./real-plugin.ts";
import { hand } from "./routes.ts";
import { stories } from "./stories.ts";
import type { Given, Story } from "./story.ts";

/*
 * What stacks do with Hetzner's resources, played by an engine's double. The requests in provider-requests/ are those that the
 * real plugin (1.39.1) sent; both it, where there is one, and the lab's stand-in for it send them to this day.
 */

const plugin = realPlugin();
const askedByStandIn: RequestRecord[] = [];
const askedByPlugin: RequestRecord[] = [];
let given: Given;

beforeAll(() => {
  const folder = mkdtempSync(join(tmpdir(), "provider-"));
  writeKeys(folder);
  const read = (name: string) => readFileSync(join(folder, name), "utf8");
  given = { certificate: read("tls.pem"), privateKey: read("tls.key") };
  rmSync(folder, { recursive: true });
});

type Provider = (env: NodeJS.ProcessEnv) => Promise<EngineDouble>;
const standIn: Provider = (env) => EngineDouble.start(hcloudStandIn(env, 1), "");
const real =
  (path: string): Provider =>
  (env) =>
    EngineDouble.run(path, "", env);

/** Plays a story to its end on a cloud of its own. */
async function played(story: Story, provider: Provider, asked: RequestRecord[]): Promise<Step[]> {
  const cloud = await listeningCloud({ actionMode: "instant" });
  const env = { PATH: process.env.PATH, HCLOUD_TOKEN: token, HCLOUD_ENDPOINT: cloud.url };
  await using engine = await provider(env);
  try {
    await engine.configure({ token, endpoint: cloud.url, pollInterval: "5ms" });
    const play = new Play(engine, cloud.requests);
    await story(play, given);
    return play.steps;
  } finally {
    asked.push(...cloud.requests);
    cloud.close();
  }
}

/** Certificates are made anew for each run. */
const stable = (steps: Step[]) => script(steps).replace(/-----BEGIN [^"]*/g, "PEM");
const recorded = (name: string) => join(import.meta.dirname, "provider-requests", `${name}.txt`);

test.concurrent.for(Object.entries(stories))(
  "the stand-in sends what was recorded of the real plugin for %s",
  async ([name, story], { expect }) => {
    const steps = await played(story, standIn, askedByStandIn);
    await expect(stable(steps)).toMatchFileSnapshot(recorded(name));
  },
);

test("the real plugin sends what was recorded of it, and keeps what the stand-in keeps", async ({ skip }) => {
  if (!plugin) return skip(NO_PLUGIN);
  const compared = Object.entries(stories).map(async ([name, story]) => {
    const theirs = await played(story, real(plugin), askedByPlugin);
    const ours = await played(story, standIn, []);
    await expect(stable(theirs)).toMatchFileSnapshot(recorded(name));
    expect(theirs, name).toEqual(ours);
  });
  for (const result of await Promise.allSettled(compared))
    if (result.status === "rejected") throw result.reason;
});

test("every type of hcloud that the components make is played", async ({ task }) => {
  await hand(task, "pulumi-resource-hcloud, its recorded requests", askedByStandIn);
  if (plugin) await hand(task, "pulumi-resource-hcloud itself", askedByPlugin);
  const components = join(checkout, "components");
  const sources = readdirSync(components).map((name) => readFileSync(join(components, name), "utf8"));
  const made = sources.flatMap((source) =>
    [...source.matchAll(/new hcloud\.(\w+)\(/g)].map(([, type]) => type),
  );
  const scripts = Object.keys(stories).map((name) => readFileSync(recorded(name), "utf8"));
  const of = (step: string, type = "") => scripts.some((text) => text.includes(`== ${step} ${type} `));
  expect(made).toContain("Server");
  expect(made.filter((type) => !of("create", type) || !of("delete", type))).toEqual([]);
});
