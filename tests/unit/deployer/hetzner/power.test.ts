import { describe, expect, test } from "vitest";
import { ensureRunning, type ServerPower } from "../../../../deployer/hetzner/power.ts";

/** A server that shows these states one after the other, the last for ever; power leads to "starting", then "running". */
function server(states: (string | undefined)[], answers: ("ordered" | "locked")[] = []) {
  const orders: number[] = [];
  const power: ServerPower = {
    async serverStatus() {
      return states.length > 1 ? states.shift() : states[0];
    },
    async powerOn(id) {
      orders.push(id);
      const answer = answers.shift() ?? "ordered";
      if (answer === "ordered") states.splice(0, states.length, "starting", "running");
      return answer;
    },
  };
  return { power, orders };
}

async function ensure(power: ServerPower, deadline = 2_000) {
  const lines: string[] = [];
  const result = await ensureRunning(power, 42, {
    host: "web1",
    deadline,
    pause: 1,
    status: (line) => lines.push(line),
  });
  return { ...result, lines };
}

describe("a server that must run", () => {
  test.each([
    ["runs", ["running"], 0, false],
    ["is being made", ["initializing", "off", "off"], 1, true],
    ["is starting", ["starting", "running"], 0, false],
    ["was left off by a change of its type", ["off"], 1, true],
    ["is stopping", ["stopping", "off"], 1, true],
    ["could not be seen for a moment", ["unknown", "running"], 0, false],
  ])("and %s is running in the end", async (_, states, orders, switchedOn) => {
    const { power, orders: given } = server([...states]);
    expect((await ensure(power)).switchedOn).toBe(switchedOn);
    expect(given).toHaveLength(orders);
  });

  test("and is locked is ordered again when it is free", async () => {
    const { power, orders } = server(["off"], ["locked", "locked"]);
    const { lines } = await ensure(power);
    expect(orders).toEqual([42, 42, 42]);
    expect(lines[0]).toBe("it is off, and locked by another action");
  });

  test("and stays off is given up at the deadline, with what it was doing", async () => {
    const power: ServerPower = { serverStatus: async () => "starting", powerOn: async () => "ordered" };
    await expect(ensure(power, 30)).rejects.toThrow(
      "web1: switching server 42 on: it is starting. Next: look at the server in Hetzner's console",
    );
  });

  test.each([
    ["is gone", undefined, "there is no such server any more. Next: run pulumi refresh"],
    ["is being deleted", "deleting", "its status is deleting. Next: wait until the server is there"],
  ])("and %s fails at once", async (_, state, message) => {
    await expect(ensure(server([state]).power)).rejects.toThrow(message);
  });

  test("is no longer waited for when the update is cancelled", async () => {
    const cancel = new AbortController();
    const waiting = ensureRunning(
      { serverStatus: async () => "starting", powerOn: async () => "ordered" },
      42,
      {
        host: "web1",
        deadline: 60_000,
        pause: 5,
        status: () => undefined,
        signal: cancel.signal,
      },
    );
    setTimeout(() => cancel.abort(new Error("cancelled")), 20);
    await expect(waiting).rejects.toThrow();
  });
});
