import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { Master } from "../../../../deployer/ssh/master.ts";
import { Way } from "../../../../deployer/ssh/way.ts";
import { listenOn } from "../../loopback.ts";
import { has } from "../../shells.ts";

test("a real ssh waits for its way longer than it would for an answer, and then says who cut it off", async ({
  skip,
}) => {
  skip(!has("ssh"), "ssh is not installed");
  const folder = mkdtempSync(join(tmpdir(), "berth-master-"));
  const server = createServer((socket) => socket.on("error", () => undefined).end());
  onTestFinished(() => {
    server.close();
    rmSync(folder, { recursive: true });
  });
  const port = await listenOn(server);
  const configFile = join(folder, "config");
  writeFileSync(
    configFile,
    `Host web1\n  HostName 127.0.0.1\n  Port ${port}\n  BatchMode yes\n  ConnectTimeout 1\n  ControlPath ${folder}/master\n`,
  );
  const way = new Way(folder, "way-0", { address: "127.0.0.1", port });
  const master = new Master({ configFile, alias: "web1", way });
  await sleep(2_500);
  expect([master.runs, way.met, master.said]).toEqual([true, true, ""]);
  master.open();
  await master.ended;
  expect(master.runs).toBe(false);
  expect(master.said).toContain(`127.0.0.1 port ${port}`);
  expect(master.said).not.toMatch(/UNKNOWN|65535/);
});
