import { cp, mkdir, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { stringify } from "yaml";
import type { ReviewItem } from "../../cli/review/report.ts";
import { checkout } from "../../lab/setup/places.mjs";
import { type CloudStack, cloudStack } from "./cloud-stack.ts";

/** Short-lived stacks under the real engine. The cloud's servers are only a table, so an update stops where it would install one. */

const hardware = ["--", "--exclude", "**web1-installation-install", "--exclude-dependents"];
const secret = "hunter2-of-the-review";

let stack: CloudStack;
let project: string;
beforeAll(async () => {
  stack = await cloudStack(join(checkout, ".lab-review"));
  project = join(stack.places.folder, "project");
  await mkdir(project);
  // A project whose stacks' files are its own, with this one's program.
  for (const name of await readdir(checkout))
    if (!/^\.|^Pulumi\./.test(name)) await symlink(join(checkout, name), join(project, name));
  await cp(join(checkout, "Pulumi.yaml"), join(project, "Pulumi.yaml"));
  await template({});
  await pulumi("stack", "init", "review", "--no-select");
  await pulumi("config", "set", "--secret", "--path", "berth:secrets.db-url", secret, "-s", "review");
});
afterAll(() => stack?.[Symbol.asyncDispose]());

const template = (more: Record<string, unknown>) =>
  writeFile(
    join(project, "Pulumi.review.yaml"),
    stringify(
      {
        config: {
          "hcloud:pollInterval": "5ms",
          "berth:flake": `path:${stack.places.flake}`,
          "berth:hosts": {
            web1: { system: "web", server: { type: "cx23", location: "fsn1" }, volumes: { data: 10 } },
          },
          ...more,
        },
      },
      { defaultStringType: "QUOTE_DOUBLE", defaultKeyType: "PLAIN" },
    ),
  );

function environment(): Record<string, string> {
  const { PULUMI_OPTION_CONFIG_FILE: _, ...env } = stack.env;
  return env;
}
const pulumi = async (...args: string[]) =>
  (
    await execa("pulumi", [...args, "--non-interactive"], {
      cwd: project,
      env: environment(),
      extendEnv: true,
    })
  ).stdout;

async function review(verb: string, ...args: string[]) {
  const ended = await execa(join(checkout, "bin/berth"), ["review", verb, "--json", ...args], {
    ...{ cwd: project, env: environment(), reject: false, timeout: 900_000 },
  });
  const items: ReviewItem[] = ended.stdout === "" ? [] : JSON.parse(ended.stdout).items;
  return { exitCode: ended.exitCode, items, said: ended.stderr, all: `${ended.stdout}\n${ended.stderr}` };
}
const up = (number: number, ...args: string[]) =>
  review("up", "--number", String(number), ...args, ...hardware);
/** The project's stacks, beside the lab's own. */
const stacks = async () =>
  (JSON.parse(await pulumi("stack", "ls", "--json")) as { name: string }[])
    .map(({ name }) => name)
    .filter((name) => name !== "lab")
    .sort();
const kinds = ["ssh_keys", "primary_ips", "firewalls", "servers", "volumes"];
async function inCloud(): Promise<string[]> {
  const lists = await Promise.all(
    kinds.map(async (kind) => (await stack.cloud.get(`/${kind}`)).at(kind) as { name: string }[]),
  );
  return lists.flat().map(({ name }) => name);
}

describe("a short-lived stack under the real engine", () => {
  test("that would cost more than its cap is not made, and nothing is ordered", async () => {
    const ended = await up(7, "--cap", "1");
    expect(ended.exitCode).toBe(1);
    expect(ended.said).toContain("and its cap is 1.00 EUR/month");
    expect(await stacks()).toEqual(["review"]);
    expect(await inCloud()).toEqual([]);
  });

  test("has names, a tag, a state and secrets of its own, under the template's key", async () => {
    const ended = await up(7, "--hours", "2");
    // The installation was left out, so it is not up; the rest is there.
    expect(ended.items, ended.all).toMatchObject([{ stack: "pr-7", pull: 7, until: expect.any(String) }]);
    const named = await inCloud();
    expect(named).toContain("pr-7-web1");
    expect(named.filter((name) => !name.includes("pr-7"))).toEqual([]);
    expect(await pulumi("config", "get", "--path", "berth:secrets.db-url", "-s", "pr-7")).toBe(secret);
    expect(await readFile(join(project, "Pulumi.pr-7.yaml"), "utf8")).not.toContain(secret);
    expect(ended.all).not.toContain(secret);
    const { items } = await review("list");
    expect(items).toMatchObject([{ stack: "pr-7", pull: 7, state: "there", until: ended.items[0]?.until }]);
  });

  test("is left alone before its end, and beside one that stays", async () => {
    const before = await inCloud();
    const ended = await review("sweep");
    expect(ended.exitCode, ended.all).toBe(0);
    expect(ended.items).toMatchObject([{ stack: "pr-7", state: "there" }]);
    expect(await inCloud()).toEqual(before);
  });

  test("whose tag is gone is refused, and nothing of it is touched", async () => {
    const before = await inCloud();
    const tag = await pulumi("stack", "tag", "get", "berth:short-lived", "-s", "pr-7");
    await pulumi("stack", "tag", "rm", "berth:short-lived", "-s", "pr-7");
    const ended = await review("down", "--number", "7");
    expect(ended.exitCode).toBe(1);
    expect(ended.said).toContain("no tag of the stack does");
    expect((await review("sweep")).items).toMatchObject([{ stack: "pr-7", state: "refused" }]);
    expect(await inCloud()).toEqual(before);
    await pulumi("stack", "tag", "set", "berth:short-lived", tag, "-s", "pr-7");
  });

  test("is taken down with all that it had, from a checkout without its file, and that is enough once", async () => {
    await rm(join(project, "Pulumi.pr-7.yaml"));
    for (const because of ["", "there is none"]) {
      const ended = await review("down", "--number", "7");
      expect(ended.exitCode, ended.all).toBe(0);
      expect(ended.items).toMatchObject([{ stack: "pr-7", state: "gone", because }]);
    }
    expect(await stacks()).toEqual(["review"]);
    expect(await inCloud()).toEqual([]);
  });

  test("that Hetzner does not let go of holds up no other, and goes with the next sweep", async () => {
    await up(8);
    await up(9);
    await end("pr-8", "pr-9");
    const [server] = ((await stack.cloud.get("/servers?name=pr-8-web1")).at("servers") ?? []) as {
      id: number;
    }[];
    await stack.cloud.post(`/servers/${server?.id}/actions/change_protection`, {
      delete: true,
      rebuild: true,
    });
    const ended = await review("sweep");
    expect(ended.exitCode, ended.all).toBe(1);
    expect(ended.items.map(({ stack, state }) => [stack, state]).toSorted()).toEqual([
      ["pr-8", "failed"],
      ["pr-9", "gone"],
    ]);
    expect(await stacks()).toEqual(["pr-8", "review"]);
    await stack.cloud.post(`/servers/${server?.id}/actions/change_protection`, {
      delete: false,
      rebuild: false,
    });
    expect((await review("sweep")).items).toMatchObject([{ stack: "pr-8", state: "gone" }]);
    expect(await inCloud()).toEqual([]);
  });

  test("stays, and says so, as long as Hetzner has something with its label that no state knows", async () => {
    await up(10);
    const labels = { "berth-stack": "pr-10" };
    await stack.cloud.post("/volumes", { name: "lost", size: 10, location: "fsn1", labels });
    for (const round of ["first", "second"]) {
      const ended = await review("down", "--number", "10");
      expect(ended.exitCode, round).toBe(1);
      expect(ended.said).toContain("Hetzner still has, with the label berth-stack=pr-10: volumes lost");
    }
    const [volume] = ((await stack.cloud.get("/volumes")).at("volumes") ?? []) as { id: number }[];
    await stack.cloud.delete(`/volumes/${volume?.id}`);
    expect((await review("down", "--number", "10")).items).toMatchObject([{ state: "gone" }]);
    expect(await stacks()).toEqual(["review"]);
  });

  test("that shares what is not its own is refused by pulumi itself, whoever runs it", async () => {
    await template({ "berth:shortLived": terms("pr-8"), "berth:protect": true });
    const ended = await execa("pulumi", ["preview", "-s", "review", "--non-interactive"], {
      ...{ cwd: project, env: environment(), reject: false, all: true },
    });
    expect(ended.exitCode).not.toBe(0);
    expect(ended.all).toContain("it is of the stack pr-8");
    expect(ended.all).toContain("nothing in it is protected");
  });
});

const terms = (name: string) => ({
  ...{ stack: name, pull: Number(name.slice(3)), id: "0b2b5ddc-3a6f-4a0d-9c39-6a1f2f2d8a10" },
  until: "2026-01-01T00:00:00.000Z",
});

/** Let the time of stacks be over, in both of their marks. */
async function end(...names: string[]): Promise<void> {
  for (const name of names) {
    const over = (text: string) =>
      text.replaceAll(/("until": ?")[^"]*/g, (_, key: string) => `${key}2026-01-01T00:00:00.000Z`);
    const tag = await pulumi("stack", "tag", "get", "berth:short-lived", "-s", name);
    await pulumi("stack", "tag", "set", "berth:short-lived", over(tag), "-s", name);
    const file = join(stack.places.folder, `${name}.json`);
    await writeFile(file, over(await pulumi("stack", "export", "-s", name)));
    await pulumi("stack", "import", "--file", file, "-s", name);
  }
}
