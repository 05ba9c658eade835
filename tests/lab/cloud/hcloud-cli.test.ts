import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, test } from "vitest";
import { listeningCloud, publicKeys, token } from "./client.ts";

const absent = spawnSync("hcloud", ["version"]).error
  ? "the hcloud command is not installed (Debian package hcloud-cli)"
  : "";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "hcloud-"));
  writeFileSync(join(folder, "key.pub"), `${publicKeys[0]}\n`);
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs a command line of hcloud against a cloud; its home is empty, so that no context of the user's is read. */
function cli(url: string, given = token) {
  return async (line: string) => {
    const env = { PATH: process.env.PATH, HOME: folder, HCLOUD_ENDPOINT: url, HCLOUD_TOKEN: given };
    const { exitCode, stdout, stderr } = await execa("hcloud", line.split(" "), {
      env,
      extendEnv: false,
      reject: false,
      timeout: 60_000,
    });
    return { exitCode, stdout, stderr };
  };
}

test("hcloud orders, lists, describes and deletes what a server needs", async (ctx) => {
  if (absent) ctx.skip(absent);
  // This release still orders addresses by datacenter.
  const cloud = await listeningCloud({ legacyDatacenter: true });
  try {
    const hcloud = cli(cloud.url);
    const ok = async (line: string) => {
      const result = await hcloud(line);
      expect(result, line).toMatchObject({ exitCode: 0 });
      return result.stdout;
    };
    expect(await ok(`ssh-key create --name ada --public-key-from-file ${join(folder, "key.pub")}`)).toMatch(
      /SSH key \d+ created/,
    );
    expect(await ok("firewall create --name fw")).toMatch(/Firewall \d+ created/);
    await ok("firewall add-rule fw --direction in --protocol tcp --port 22 --source-ips 0.0.0.0/0");
    expect(await ok("primary-ip create --name ip --type ipv4 --datacenter fsn1-dc14")).toMatch(
      /Primary IP \d+ created/,
    );
    expect(
      await ok(
        "server create --name web --type cx23 --image debian-13 --location fsn1 --ssh-key ada --firewall fw --primary-ipv4 ip",
      ),
    ).toContain("IPv4: 10.87.12.10");
    expect(await ok("server list -o columns=name,status,ipv4,datacenter -o noheader")).toMatch(
      /^web\s+running\s+10\.87\.12\.10\s+fsn1-dc14$/,
    );
    const described = await ok("server describe web");
    expect(described).toMatch(/Status:\s+running/);
    expect(described).toMatch(/Server Type:\s+cx23/);
    expect(await ok("firewall describe fw")).toMatch(/Server Name:\s+web/);
    expect(await ok("primary-ip list -o noheader")).toContain("web");
    await ok("server add-label web env=prod");
    expect(await ok("server list -l env=prod -o noheader -o columns=name")).toBe("web");
    expect(await ok("server list -l env!=prod -o noheader -o columns=name")).toBe("");
    expect((await hcloud("firewall delete fw")).stderr).toContain("(resource_in_use");
    await ok("server poweroff web");
    expect(await ok("server list -o columns=status -o noheader")).toBe("off");
    await ok("server change-type web cx33");
    await ok("server delete web");
    await cloud.cloud.actions.settled();
    await ok("primary-ip delete ip");
    await ok("firewall delete fw");
    await ok("ssh-key delete ada");
    expect(await ok("server list -o noheader")).toBe("");
    expect(await ok("location list -o noheader -o columns=name")).toContain("fsn1");
    expect(await ok("server-type list -o noheader -o columns=name")).toContain("cx23");
  } finally {
    cloud.close();
  }
});

test("without the compatibility switch hcloud still orders, lists and describes servers", async (ctx) => {
  if (absent) ctx.skip(absent);
  const cloud = await listeningCloud({ actionMode: "instant" });
  try {
    const hcloud = cli(cloud.url);
    expect(
      await hcloud("server create --name web --type cx23 --image debian-13 --location fsn1"),
    ).toMatchObject({ exitCode: 0 });
    expect((await hcloud("server list -o noheader -o columns=name,status")).stdout).toMatch(
      /^web\s+running$/,
    );
    expect(await hcloud("server describe web")).toMatchObject({ exitCode: 0 });
  } finally {
    cloud.close();
  }
});

test("hcloud shows the API's words for a wrong token and for a wrong order", async (ctx) => {
  if (absent) ctx.skip(absent);
  const cloud = await listeningCloud();
  try {
    expect(await cli(cloud.url, "wrong")("server list")).toMatchObject({
      exitCode: 1,
      stderr: "hcloud: the token you have provided is invalid (unauthorized)",
    });
    const hcloud = cli(cloud.url);
    expect((await hcloud("server create --name web --type cx999 --image debian-13")).stderr).toContain(
      "server type 'cx999' not found",
    );
    expect((await hcloud("server describe nothing")).stderr).toBe("hcloud: server not found: nothing");
  } finally {
    cloud.close();
  }
});
