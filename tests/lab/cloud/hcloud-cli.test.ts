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

/** Lines of hcloud with words that its output, or its error, must have. */
async function expectLines(lines: readonly (readonly [line: string, words: string])[]): Promise<void> {
  const cloud = await listeningCloud({ actionMode: "instant" });
  try {
    const hcloud = cli(cloud.url);
    for (const [line, words] of lines) {
      const { stdout, stderr } = await hcloud(line);
      expect(`${stdout}${stderr}`, line).toContain(words);
    }
  } finally {
    cloud.close();
  }
}

const orderWeb = "server create --name web --type cx23 --image debian-13 --location fsn1";
const subnet = "--type cloud --network-zone eu-central";

test("hcloud understands networks and placement groups, verb by verb", async (ctx) => {
  if (absent) ctx.skip(absent);
  await expectLines([
    ["network create --name n --ip-range 10.0.0.0/16 --label a=b", "created"],
    [`network add-subnet n ${subnet} --ip-range 10.0.1.0/24`, "Subnet added"],
    [`network add-subnet n ${subnet} --ip-range 10.0.1.0/25`, "(invalid_input"],
    [`network add-subnet n ${subnet}`, "Subnet added"],
    ["network add-route n --destination 10.100.1.0/24 --gateway 10.0.1.1", "Route added"],
    ["network describe n", "10.0.0.0/24"],
    ["network remove-route n --destination 10.100.1.0/24 --gateway 10.0.1.1", "Route removed"],
    ["network change-ip-range n --ip-range 10.0.0.0/15", "changed"],
    ["network update n --name net", "updated"],
    ["network list -o noheader -o columns=name,ip_range", "10.0.0.0/15"],
    ["placement-group create --name pg --type spread", "created"],
    [`${orderWeb} --network net --placement-group pg`, "10.0.1.1 (net)"],
    ["placement-group describe pg", "web"],
    ["placement-group delete pg", "(resource_in_use"],
    ["server describe web", "86:00:"],
    ["server change-alias-ips web --network net --alias-ips 10.0.1.7,10.0.1.8", "changed"],
    ["network remove-subnet net --ip-range 10.0.1.0/24", "servers are attached"],
    ["server attach-to-network web --network net", "(server_already_attached"],
    ["server detach-from-network web --network net", "detached"],
    ["server attach-to-network web --network net --ip 10.0.1.9 --alias-ips 10.0.1.10", "attached"],
    ["server remove-from-placement-group web", "removed"],
    ["server add-to-placement-group web --placement-group pg", "(server_not_stopped"],
    ["server poweroff web", "stopped"],
    ["server add-to-placement-group web --placement-group pg", "added"],
    ["network enable-protection net delete", "enabled"],
    ["network delete net", "(protected"],
    ["network disable-protection net delete", "disabled"],
    ["server delete web", "deleted"],
    ["network remove-subnet net --ip-range 10.0.1.0/24", "removed"],
    ["network delete net", "deleted"],
    ["placement-group delete pg", "deleted"],
  ]);
});

test("hcloud understands volumes and floating IPs, verb by verb", async (ctx) => {
  if (absent) ctx.skip(absent);
  await expectLines([
    ["volume create --name v --size 10 --location fsn1 --format ext4", "created"],
    [`${orderWeb} --volume v --automount`, "created"],
    ["server describe web", "10 GB"],
    ["volume create --name w --size 12 --server web --automount --format xfs", "created"],
    ["volume list -o noheader -o columns=name,server", "web"],
    ["volume describe w", "/dev/disk/by-id/scsi-0HC_Volume_"],
    ["volume attach w --server web", "(volume_already_attached"],
    ["volume delete w", "still attached"],
    ["volume detach w", "detached"],
    ["volume attach w --server web", "attached"],
    ["volume resize w --size 20", "resized"],
    ["volume detach w", "detached"],
    ["volume enable-protection w delete", "enabled"],
    ["volume delete w", "(protected"],
    ["volume disable-protection w delete", "disabled"],
    ["volume update w --name x", "updated"],
    ["volume delete x", "deleted"],
    ["floating-ip create --type ipv4 --home-location nbg1 --name f --description mail", "created"],
    ["floating-ip create --type ipv6 --server web --name g", "created"],
    ["floating-ip list -o noheader -o columns=name,server", "web"],
    ["floating-ip assign f web", "assigned"],
    ["floating-ip set-rdns f --hostname a.example.org", "changed"],
    ["floating-ip describe f", "a.example.org"],
    ["server describe web", "Description:\tmail"],
    ["floating-ip delete f", "(must_be_unassigned"],
    ["floating-ip unassign f", "unassigned"],
    ["floating-ip enable-protection f delete", "enabled"],
    ["floating-ip delete f", "(protected"],
    ["floating-ip disable-protection f delete", "disabled"],
    ["floating-ip update f --name h --description post", "updated"],
    ["floating-ip delete h", "deleted"],
    ["server delete web", "deleted"],
    ["volume delete v", "deleted"],
    ["floating-ip delete g", "deleted"],
  ]);
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

for (const legacyDatacenter of [true, false]) {
  test(`hcloud makes, changes and uses images of servers (datacenters shown: ${legacyDatacenter})`, async (ctx) => {
    if (absent) ctx.skip(absent);
    const cloud = await listeningCloud({ legacyDatacenter, actionMode: "instant" });
    try {
      const hcloud = cli(cloud.url);
      const ok = async (line: string) => {
        const result = await hcloud(line);
        expect(result, line).toMatchObject({ exitCode: 0 });
        return result.stdout;
      };
      const refused = async (line: string) => (await hcloud(line)).stderr;
      await ok("server create --name web --type cx23 --image debian-13 --location fsn1");
      expect(await ok("server create-image web --type snapshot --description first")).toMatch(
        /^Image \d+ created from server \d+$/,
      );
      expect(await refused("server create-image web --type backup")).toContain("backups are not enabled");
      await ok("server enable-backup web");
      await ok("server create-image web --type backup");
      expect(
        await ok("image list -t snapshot -o noheader -o columns=description,image_size,disk_size"),
      ).toMatch(/^first\s+0\.50 GB\s+40 GB$/);
      const idOf = (type: string) => ok(`image list -t ${type} -o noheader -o columns=id`);
      const [snapshot, backup] = [await idOf("snapshot"), await idOf("backup")];
      await ok(`image update ${snapshot} --description second`);
      await ok(`image add-label ${snapshot} env=prod`);
      expect(await ok("image list -l env=prod -o noheader -o columns=description")).toBe("second");
      await ok(`image enable-protection ${snapshot} delete`);
      expect(await refused(`image delete ${snapshot}`)).toContain("(protected)");
      await ok(`image disable-protection ${snapshot} delete`);
      await ok(`server create --name two --type cx23 --image ${snapshot} --location fsn1`);
      await ok(`server rebuild web --image ${snapshot}`);
      await ok(`image delete ${snapshot}`);
      expect(await ok("server describe two")).toMatch(/Description:\s+second/);
      expect(await refused(`image describe ${snapshot}`)).toContain("image not found");
      await ok("server disable-backup web");
      expect(await refused(`image describe ${backup}`)).toContain("image not found");
    } finally {
      cloud.close();
    }
  });
}

test("hcloud uses the rescue system, discs, console and metrics, and reads what is sold", async (ctx) => {
  if (absent) ctx.skip(absent);
  const cloud = await listeningCloud({ actionMode: "instant" });
  try {
    const hcloud = cli(cloud.url);
    const ok = async (line: string) => {
      const result = await hcloud(line);
      expect(result, line).toMatchObject({ exitCode: 0 });
      return result.stdout;
    };
    await ok(`ssh-key create --name ada --public-key-from-file ${join(folder, "key.pub")}`);
    await ok("server create --name web --type cx23 --image debian-13 --location fsn1 --ssh-key ada");
    expect(await ok("server enable-rescue web --ssh-key ada")).toMatch(/root password: \S{20}$/);
    expect(await ok("server describe web")).toMatch(/Rescue System:\s+enabled/);
    await ok("server disable-rescue web");
    expect((await hcloud("server reset-password web")).stderr).toContain("the lab sets no passwords");
    expect(await ok("server request-console web")).toContain("wss://the-lab-has-no-console.invalid/");
    expect(await ok("iso list -o noheader -o columns=name")).toContain("nixos-minimal");
    await ok("server attach-iso web hcloud-v1-11-2-amd64.iso");
    expect(await ok("server describe web")).toMatch(/Name:\s+hcloud-v1-11-2-amd64\.iso/);
    await ok("server detach-iso web");
    expect(JSON.parse(await ok("server metrics web --type disk -o json"))).toHaveProperty(
      "metrics.time_series",
    );
    expect(await ok("load-balancer-type list -o noheader -o columns=name")).toBe("lb11\nlb21\nlb31");
    expect(await ok("load-balancer-type describe lb11")).toMatch(/Max Targets:\s+25/);
    expect((await hcloud("datacenter list")).stderr).toContain("(deprecated_api_endpoint)");
  } finally {
    cloud.close();
  }
});
