import { describe, expect, test } from "vitest";
import { hosts } from "../../../cli/hosts.ts";
import { explain } from "../../../cli/pulumi.ts";
import { hostOf, targetOf } from "../../../cli/stack.ts";
import { table } from "../../../cli/table.ts";
import { sampleStack } from "./samples.ts";

describe("what pulumi says when a stack cannot be read", () => {
  test.each([
    [
      "error: no stack selected; please use `pulumi stack select` or `pulumi stack init` to choose one",
      "no stack selected; please use `pulumi stack select` or `pulumi stack init` to choose one",
      "name one with -s, or choose one with pulumi stack select",
    ],
    [
      "error: no stack named 'nope' found",
      "no stack named 'nope' found",
      "pulumi stack ls shows those there are",
    ],
    [
      "error: PULUMI_ACCESS_TOKEN must be set for login during non-interactive CLI sessions",
      "PULUMI_ACCESS_TOKEN must be set for login during non-interactive CLI sessions",
      "pulumi login",
    ],
    [
      "error: if you're using the --stack flag, pass the fully qualified name (organization/project/stack)",
      "if you're using the --stack flag, pass the fully qualified name (organization/project/stack)",
      "run berth in the project's folder, where Pulumi.yaml is",
    ],
    [
      "error: get stack secrets manager: incorrect passphrase",
      "get stack secrets manager: incorrect passphrase",
      "set PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE to the stack's passphrase",
    ],
    [
      "warning: something\nerror: read blob: connection refused\nmore\n",
      "read blob: connection refused",
      "mend that; pulumi stack output shows the same",
    ],
    ["", "pulumi failed without a word", "mend that; pulumi stack output shows the same"],
  ])("is told in one line with what to do: %s", (said, cameBack, next) => {
    expect(explain(said)).toEqual({ cameBack, next });
  });
});

describe("a host of a stack", () => {
  test("is reached as root under the key that the stack knows", () => {
    expect(targetOf(sampleStack, "metal")).toEqual({
      stack: "prod",
      host: "metal",
      address: "2001:db8::9",
      port: 2222,
      user: "root",
      hostKeys: ["ssh-ed25519 AAAAmetal metal"],
      loginKey: sampleStack.loginKey,
    });
  });

  test("is reached through the machine on the way to it", () => {
    const jump = { address: "198.51.100.1", port: 22, user: "ada", hostKey: "ssh-ed25519 AAAAjump" };
    const { web1 } = sampleStack.hosts;
    if (!web1) throw new Error("the sample has no web1");
    const stack = { ...sampleStack, hosts: { web1: { ...web1, jump } } };
    expect(targetOf(stack, "web1").jump).toEqual(jump);
    expect(targetOf(sampleStack, "web1")).not.toHaveProperty("jump");
  });

  test("is reached by the agent's key where the stack has none", () => {
    expect(targetOf({ ...sampleStack, loginKey: undefined }, "web1")).not.toHaveProperty("loginKey");
  });

  test.each(["web9", "toString", "__proto__"])(
    "that there is not (%s) is refused with those there are",
    (name) => {
      expect(() => hostOf(sampleStack, name)).toThrow(
        `find the host "${name}": stack prod has no such host. Next: name one of these: web1, metal.`,
      );
    },
  );
});

describe("the list of hosts", () => {
  test("has a line a host, its columns under each other", () => {
    expect(hosts(sampleStack, {})).toBe(
      [
        "host   address                type      a month  release",
        "metal  2001:db8::9 port 2222  existing  0.00     not deployed by the last update",
        "web1   203.0.113.7            cx23      5.99     abc-nixos-system-web1-26.05",
        "",
      ].join("\n"),
    );
  });

  test("is JSON for programs, without a secret", () => {
    const json = hosts(sampleStack, { json: true });
    const { web1, metal } = sampleStack.hosts;
    expect(JSON.parse(json)).toEqual({
      verb: "hosts",
      stack: "prod",
      well: true,
      items: [
        { host: "metal", ...metal },
        { host: "web1", ...web1 },
      ],
    });
    expect(json).not.toContain("hunter2");
  });

  test("shows an empty cell as a dash and is a head alone without rows", () => {
    expect(table(["a", "b"], [["", "x"]])).toBe("a  b\n-  x\n");
    expect(table(["a", "b"], [])).toBe("a  b\n");
  });
});
