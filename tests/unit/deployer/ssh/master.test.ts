import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
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

test.each(["SIGINT", "SIGHUP", "an exit"] as const)(
  "goes with its process, whether that ends by %s",
  async (how) => {
    const folder = mkdtempSync(join(tmpdir(), "berth-master-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    // A played ssh, which would stay.
    writeFileSync(join(folder, "ssh"), `#!/bin/sh\necho $$ >${folder}/pid\nexec sleep 60\n`, { mode: 0o755 });
    const module = new URL("../../../../deployer/ssh/master.ts", import.meta.url).href;
    const script = `
    const { Master } = await import(${JSON.stringify(module)});
    new Master({ configFile: "/dev/null", alias: "web1" });
    process.stdin.once("data", () => process.exit(3));
    await new Promise((end) => setTimeout(end, 60_000));`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
      env: { ...process.env, PATH: `${folder}:${process.env["PATH"]}` },
      stdio: ["pipe", "ignore", "inherit"],
    });
    const pid = () => (existsSync(`${folder}/pid`) ? Number(readFileSync(`${folder}/pid`, "utf8")) : 0);
    await expect.poll(pid, { timeout: 20_000 }).toBeGreaterThan(0);
    const ended = new Promise((resolve) => child.once("exit", resolve));
    if (how === "an exit") child.stdin.write("end\n");
    else child.kill(how);
    await ended;
    const runs = () => {
      try {
        return process.kill(pid(), 0);
      } catch {
        return false;
      }
    };
    await expect.poll(runs, { timeout: 20_000 }).toBe(false);
  },
);
