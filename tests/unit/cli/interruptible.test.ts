import { spawn } from "node:child_process";
import { expect, test } from "vitest";

/** A process that takes its time to end in order. */
function work(milliseconds: number) {
  const module = new URL("../../../cli/interruptible.ts", import.meta.url).href;
  const script = `
    const { interruptible } = await import(${JSON.stringify(module)});
    await interruptible((signal) => new Promise((done) => {
      const life = setInterval(() => undefined, 1_000);
      signal.addEventListener("abort", () => setTimeout(() => { clearInterval(life); done(); }, ${milliseconds}));
      console.log("at work");
    }));
    console.log("ended in order");`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script]);
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => {
      said += chunk.toString();
    });
  const ended = new Promise((resolve) => child.once("close", (code, signal) => resolve(signal ?? code)));
  return { child, said: () => said, ended };
}

test.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)(
  "what %s interrupts is ended in order",
  async (signal) => {
    const { child, said, ended } = work(100);
    await expect.poll(said, { timeout: 20_000 }).toContain("at work");
    child.kill(signal);
    expect(await ended).toBe(0);
    expect(said()).toMatch(/at work\nberth: interrupted: .*\nended in order\n/);
  },
);

test("what is interrupted twice ends at once", async () => {
  const { child, said, ended } = work(60_000);
  await expect.poll(said, { timeout: 20_000 }).toContain("at work");
  child.kill("SIGINT");
  await expect.poll(said).toContain("interrupted");
  child.kill("SIGINT");
  expect(await ended).toBe("SIGINT");
});
