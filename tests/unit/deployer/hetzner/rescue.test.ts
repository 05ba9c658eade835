import { describe, expect, test } from "vitest";
import type { z } from "zod";
import { bootRescue, leaveRescue, type RescueApi } from "../../../../deployer/hetzner/rescue.ts";

const login = "ssh-ed25519 AAAAlogin berth prod";

/** A cloud with one server, and what was asked of it, in order. */
function cloud({ status = "running", rescue = false, keys = [login] } = {}) {
  const asked: string[] = [];
  const api: RescueApi = {
    async list<T extends z.ZodType>(_path: string, _key: string, entry: T) {
      return keys.map((public_key, index) => entry.parse({ id: index + 1, public_key }));
    },
    async get<T extends z.ZodType>(_path: string, schema: T) {
      return schema.parse({ server: { rescue_enabled: rescue } });
    },
    async change<T extends z.ZodType>(_method: "POST" | "PUT", path: string, body: object, schema: T) {
      asked.push(`${path.split("/").at(-1)} ${JSON.stringify(body)}`);
      return schema.parse({ action: { id: 1, status: "success" } });
    },
    serverStatus: async () => (status === "gone" ? undefined : status),
  };
  return { asked, api };
}
const order = { host: "web1", serverId: 4711, until: Date.now() + 60_000 };

describe("the rescue system", () => {
  test("is ordered with the stack's login key, whatever its comment, before the server is reset", async () => {
    const { asked, api } = cloud({ keys: ["ssh-ed25519 AAAAada ada", "ssh-ed25519 AAAAlogin another"] });
    await bootRescue(api, { ...order, loginPublicKey: login });
    expect(asked).toEqual(['enable_rescue {"type":"linux64","ssh_keys":[2]}', "reset {}"]);
  });

  test("is booted by the power button where the server is off", async () => {
    const { asked, api } = cloud({ status: "off" });
    await bootRescue(api, { ...order, loginPublicKey: login });
    expect(asked.at(-1)).toBe("poweron {}");
  });

  test("is not ordered where nobody could log in", async () => {
    const { asked, api } = cloud({ keys: ["ssh-ed25519 AAAAada ada"] });
    await expect(bootRescue(api, { ...order, loginPublicKey: login })).rejects.toThrow(
      /web1: order the rescue system: .*no ssh key that is the stack's login key\. The server was not touched\./,
    );
    expect(asked).toEqual([]);
  });

  test("of a server that is gone ends in words", async () => {
    const { api } = cloud({ status: "gone" });
    await expect(leaveRescue(api, order)).rejects.toThrow(
      "web1: reset server 4711: there is no such server.",
    );
  });

  test.each([
    [true, ["disable_rescue {}", "reset {}"]],
    [false, ["reset {}"]],
  ])("is left by a reset, its order taken back if it is still to come: %s", async (rescue, expected) => {
    const { asked, api } = cloud({ rescue });
    await leaveRescue(api, order);
    expect(asked).toEqual(expected);
  });
});
