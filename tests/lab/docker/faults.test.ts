import { rm } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { driftOf } from "../../../deployer/docker/drift.ts";
import { look } from "../../../deployer/docker/look.ts";
import { removeService } from "../../../deployer/docker/remove.ts";
import { dockerHostOf } from "../../../deployer/docker/script.ts";
import { impossible } from "../machines/support.ts";
import { type AppImage, appImage, type BuiltImage, incompressible } from "./images.ts";
import { ask, type DockerWorld, deploy, dockerWorld, probed, spec, stack } from "./world.ts";

/** What somebody is told of a release that must fail. */
const failureOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => "it did not fail",
    (error: Error) => error.message,
  );

describe.skipIf(impossible)(`a release that goes wrong${impossible ? ` (${impossible})` : ""}`, () => {
  let world: DockerWorld;
  const image = (more: AppImage): Promise<BuiltImage> => appImage(world.folder, more);
  const service = { stack, service: "site" };
  const lines = async (command: string) =>
    (await world.remote.run(command)).split("\n").filter((line) => line !== "");
  const containers = () => lines("docker ps --all --format '{{.Names}}' --filter label=berth.service=site");
  let running: string;

  /** A release fails, while every request gets the old release's answer. */
  async function fails(work: () => Promise<unknown>): Promise<string> {
    const { result, probe } = await probed(world.address, () => failureOf(work()));
    expect(probe.failed).toEqual([]);
    expect([...probe.answers.keys()]).toEqual(["200 v1"]);
    expect(await containers()).toEqual([running]);
    return result;
  }

  beforeAll(async () => {
    world = await dockerWorld(2);
    running = (await deploy(world, await image({ version: "v1" }))).container;
  });
  afterAll(() => world?.close());

  test("an image that never becomes healthy gets no request, and goes", async () => {
    const wanted = spec({ healthDeadline: 3 });
    const said = await fails(async () =>
      deploy(world, await image({ version: "v2", mode: "unwell" }), wanted),
    );
    expect(said).toMatch(
      /did not become healthy: GET http:\S+ answered 503, expected 200 \(no database\s*\), for 3 s/,
    );
    expect(said).toMatch(/site-\S+ has the traffic, as before/);
  });

  test("an image that keeps ending is not waited for; what it said last is told", async () => {
    const started = Date.now();
    const said = await fails(async () =>
      deploy(world, await image({ version: "v2", mode: "crash" }), spec({ healthDeadline: 150 })),
    );
    expect(Date.now() - started).toBeLessThan(150_000);
    expect(said).toMatch(/it keeps ending|it ended with exit code 3/);
    expect(said).toMatch(/cannot read \/etc\/site\.toml/);
  });

  test("one that is unwell from outside is returned from, and the old one is seen to answer", async () => {
    const { result, probe } = await probed(world.address, async () =>
      failureOf(deploy(world, await image({ version: "v2", mode: "tires" }), spec({ healthDeadline: 4 }))),
    );
    expect(probe.failed).toEqual([]);
    expect(result).toMatch(/answered 503.*Returned to site-\S+; it answers/s);
    expect(await ask(world.address)).toBe("200 v1");
    expect(await containers()).toEqual([running]);
  });

  test("another architecture is refused before anything is sent", async () => {
    const said = await fails(async () =>
      deploy(world, await image({ version: "v2", architecture: "arm64" })),
    );
    expect(said).toMatch(/the image is for arm64, and the host's engine runs amd64.*Nothing was changed/s);
  });

  test("a second deployer is told who is at work, and changes nothing", async () => {
    const { session } = world.host;
    const second = await dockerHostOf(session);
    let first: Promise<string> | undefined;
    const said = await fails(async () => {
      const atWork = new Promise<void>((resolve) => {
        first = image({ version: "v2", mode: "unwell" }).then((unwell) =>
          failureOf(
            deploy(world, unwell, spec({ healthDeadline: 6 }), {
              onStatus: (line) => line.startsWith("waiting until") && resolve(),
            }),
          ),
        );
      });
      await atWork;
      const refused = await failureOf(
        deploy({ host: second, folder: world.folder }, await image({ version: "v3" })),
      );
      expect(await first).toMatch(/did not become healthy/);
      throw new Error(refused);
    });
    expect(said).toMatch(/another deployer is at work on it: \S+@\S+ \(stack test/);
  });

  test("a connection that is cut while the image travels leaves the old release; the next run ends it", async () => {
    const large = await image({
      version: "v1",
      ballast: incompressible(120_000_000),
      config: { Env: ["A=1"] },
    });
    const cut =
      "sh -c 'iptables -I INPUT -p tcp --dport 22 -j REJECT --reject-with tcp-reset; sleep 14; iptables -D INPUT -p tcp --dport 22 -j REJECT --reject-with tcp-reset'";
    const said = await fails(async () => {
      const deploying = failureOf(deploy(world, large));
      await expect
        .poll(() => world.remote.run("pgrep -f '^docker pull' || true"), { interval: 50, timeout: 150_000 })
        .not.toBe("");
      await world.remote.send(`systemd-run --quiet ${cut}`);
      const told = await deploying;
      await world.remote.ready();
      throw new Error(told);
    });
    expect(said).toMatch(/send the image.*The release that ran goes on running/s);
    const { result, probe } = await probed(world.address, () => deploy(world, large));
    expect(result.changed).toBe(true);
    expect(probe.failed).toEqual([]);
    running = result.container;
  });

  test("the target of a way back that was pruned is brought again, and refused with words where it is nowhere", async () => {
    const [before, now] = [await image({ version: "v1" }), await image({ version: "v2" })];
    await deploy(world, before, spec({ keep: 1 }));
    await deploy(world, now, spec({ keep: 1 }));
    const tags = await lines("docker image ls --format '{{.Tag}}' berth/site");
    expect(tags).toEqual([`id-${now.id.slice(7, 19)}`]);
    const back = await deploy(world, before, spec({ keep: 1 }));
    expect(back.way).toBe("pulled through ssh");
    expect(await ask(world.address)).toBe("200 v1");
    running = back.container;
    await rm(now.path);
    const said = await fails(() => deploy(world, now, spec({ keep: 1 })));
    expect(said).toMatch(/there is no such path/);
  });

  test("a reboot of the host brings the release back by itself", async () => {
    const boots = await world.lab.boots(2);
    await world.remote.send("systemctl reboot");
    await expect.poll(() => world.lab.boots(2), { timeout: 60_000 }).toBe(boots + 1);
    await world.remote.ready();
    await expect.poll(() => ask(world.address).catch(() => "nothing"), { timeout: 60_000 }).toBe("200 v1");
    world.host.session.drop();
    const { changed } = await deploy(world, await image({ version: "v1" }), spec({ keep: 1 }));
    expect(changed).toBe(false);
  });

  test("what somebody does to it by hand is seen, and put right by the next run", async () => {
    const wanted = await image({ version: "v1" });
    const kept = { container: running, imageId: wanted.id };
    expect(driftOf(kept, await look(world.host, service))).toEqual([]);
    await world.remote.run(`docker stop ${running}`);
    expect(driftOf(kept, await look(world.host, service))).toEqual([`${running} is exited`]);
    await deploy(world, wanted, spec({ keep: 1 }));
    expect(await ask(world.address)).toBe("200 v1");
    await world.remote.run(`systemctl stop berth-site-80.socket && rm /run/berth-docker/site/80`);
    expect(driftOf(kept, await look(world.host, service))).toEqual(["port 80 does not lead to it"]);
    await deploy(world, wanted, spec({ keep: 1 }));
    expect(await ask(world.address)).toBe("200 v1");
  });

  test("a full disk is told before anything is sent, and when it fills up on the way", async () => {
    await world.remote.run(
      "systemctl stop docker.socket docker && mount -t tmpfs -o size=160m tmpfs /var/lib/docker && systemctl start docker",
    );
    running = (await deploy(world, await image({ version: "v1" }))).container;
    const large = await image({ version: "v2", ballast: incompressible(200_000_000) });
    const told = await fails(() => deploy(world, large));
    expect(told).toMatch(/the disk is too full: the image takes 206 MB there, and \d+ MB are free/);
    const { id, path, architecture } = large;
    const filled = await fails(() => deploy(world, { id, path, architecture } as BuiltImage));
    expect(filled).toMatch(/the disk is full: .*no space left on device.*goes on running/s);
  });

  test("removed, nothing of it is left, and its port is free", async () => {
    await removeService(world.host, { ...service, seconds: 5 }, () => undefined);
    expect(await containers()).toEqual([]);
    expect(
      await lines(
        "docker image ls -q; ls /run/systemd/system | grep berth-site || true; ls /var/lib/berth/docker/site 2>/dev/null || true",
      ),
    ).toEqual([]);
    await expect(ask(world.address)).rejects.toThrow();
  });
});
