import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkRollout, inOrder, planRollout, type RolloutConfig, rollout } from "../../../config/rollout.ts";
import { refusals, withHosts } from "./samples.ts";

const five = ["web1", "web2", "web3", "web4", "web5"];
const config = (changes: Partial<RolloutConfig> = {}): RolloutConfig => ({
  ...rollout.parse({}),
  ...changes,
});

describe("the plan of a rollout", () => {
  test.each<[string, Partial<RolloutConfig>, string[][]]>([
    ["no order: all side by side", {}, [five]],
    ["a canary: then the rest", { order: ["web3"] }, [["web3"], ["web1", "web2", "web4", "web5"]]],
    [
      "a canary and a group: then the rest",
      { order: ["web1", ["web2", "web3"]] },
      [["web1"], ["web2", "web3"], ["web4", "web5"]],
    ],
    ["everyone named: nobody is left", { order: [five] }, [five]],
    [
      "a host twice: its first place counts",
      { order: ["web1", ["web1", "web2"]] },
      [["web1"], ["web2"], ["web3", "web4", "web5"]],
    ],
    ["nobody the stack has: as if it were not said", { order: ["db"] }, [five]],
  ])("with %s", (_, changes, groups) => {
    expect(planRollout(five, config(changes)).groups).toEqual(groups);
  });

  test.each<[RolloutConfig["maxUnavailable"], number, number]>([
    [1, 5, 1],
    [7, 5, 7],
    ["50%", 5, 2],
    ["50%", 1, 1],
    ["25%", 10, 2],
    ["1%", 10, 1],
    ["100%", 10, 10],
  ])("with maxUnavailable %s of %i hosts lets %i be on trial", (maxUnavailable, hosts, expected) => {
    const names = Array.from({ length: hosts }, (_, index) => `web${index}`);
    expect(planRollout(names, config({ maxUnavailable })).maxUnavailable).toBe(expected);
  });

  test("has every host once, each after all of the group before it and after nobody else", () => {
    const hosts = fc.uniqueArray(fc.constantFrom(...five, "db", "attic"), { minLength: 1 });
    const order = fc.array(
      fc.oneof(fc.constantFrom(...five), fc.array(fc.constantFrom(...five), { minLength: 1 })),
    );
    fc.assert(
      fc.property(hosts, order, (names, wanted) => {
        const plan = planRollout(names, config({ order: wanted }));
        const steps = inOrder(plan);
        expect(steps.map(({ host }) => host).toSorted()).toEqual(names.toSorted());
        for (const [index, { host, after }] of steps.entries()) {
          const earlier = steps.slice(0, index).map((step) => step.host);
          expect(earlier).toEqual(expect.arrayContaining([...after]));
          const group = plan.groups.findIndex((one) => one.includes(host));
          expect(after).toEqual(plan.groups[group - 1] ?? []);
        }
      }),
    );
  });
});

describe("the order of a rollout is refused", () => {
  test("where it names a host that there is not, and where it names one twice", () => {
    expect(checkRollout(five, config({ order: ["web1", ["db", "web2"], "web2"] }))).toEqual([
      { path: "berth:rollout.order.1", message: expect.stringContaining('no host "db"') },
      { path: "berth:rollout.order.1", message: '"web2" is in the order twice' },
    ]);
  });

  test("together with everything else that is wrong with the stack", () => {
    const told = refusals(
      withHosts({ web1: {}, web2: { system: "nowhere" } }, { rollout: { order: ["web3"] } }),
    );
    expect(told.map(({ path }) => path)).toEqual(["berth:rollout.order.0", "berth:hosts.web2.system"]);
  });

  test.each(["0%", "101%", "half", 0, 1.5])("and the limit %s is no limit", (maxUnavailable) => {
    expect(rollout.safeParse({ maxUnavailable }).success).toBe(false);
  });
});
