import { describe, expect, test } from "vitest";
import { shutOut } from "../../../../deployer/install/shut-out.ts";
import { fingerprint } from "../../../../deployer/ssh/fingerprint.ts";
import { installOfWeb1 } from "./samples.ts";

const shown = "ssh-ed25519 AAAAshown";
const elsewhere = { ...installOfWeb1, ordered: false, target: { ...installOfWeb1.target, host: "metal" } };
const jump = { address: "198.51.100.1", port: 22, user: "ada", hostKey: "ssh-ed25519 AAAAjump" };

describe("a person who is shut out of a machine", () => {
  test("is told of a server that the stack has ordered that somebody else may answer", () => {
    expect(shutOut(installOfWeb1, { by: "another key", shown }).message).toBe(
      `web1 (203.0.113.7): ssh as root on port 22: host key verification failed: it answers with another key than this stack's (${fingerprint(shown)}). Nothing was done to it. Next: someone else answers at this address, or the host was installed by other means; find out which before going on.`,
    );
  });

  test("is told of a machine that was ordered elsewhere which setting is wrong, and both fingerprints", () => {
    const { message } = shutOut(elsewhere, { by: "another key", shown });
    expect(message).toContain(`it answers with another key (${fingerprint(shown)}) than berth:hosts.metal`);
    expect(message).toContain(`existing.hostKey (${fingerprint(installOfWeb1.bootstrapHostKey)})`);
    expect(message).toContain(`set berth:hosts.metal.existing.hostKey to ${shown} and run pulumi up again`);
  });

  test("is told so, too, of one that shows no key any more", () => {
    const { message } = shutOut(elsewhere, { by: "another key", shown: undefined });
    expect(message).toContain("it answers with another key than berth:hosts.metal.existing.hostKey");
    expect(message).not.toContain("undefined");
  });

  test("is told when it is the machine on the way that shows another key", () => {
    const { message } = shutOut(
      { ...elsewhere, target: { ...elsewhere.target, jump: { ...jump, port: 2222 } } },
      { by: "the way" },
    );
    expect(message).toContain("the machine on the way, 198.51.100.1, answers with another key");
    expect(message).toContain("berth trust 198.51.100.1 --port 2222 shows the key");
  });

  test("is given the line that lets the stack in, and nothing that is secret", () => {
    const why = { by: "the login", said: "root@203.0.113.7: Permission denied (publickey)" } as const;
    const { message } = shutOut({ ...elsewhere, target: { ...elsewhere.target, jump } }, why);
    expect(message).toBe(
      "metal (203.0.113.7): ssh as root on port 22: it shows the right host key, and does not let us in: root@203.0.113.7: Permission denied (publickey). Nothing was done to it. Next: this stack logs in with a key of its own; add this line to ~root/.ssh/authorized_keys there and ada's on 198.51.100.1, then run pulumi up again\nssh-ed25519 AAAAlogin berth dev\n",
    );
  });

  test("whose agent logs in is sent to the agent", () => {
    const { loginKey: _, ...target } = elsewhere.target;
    const { message } = shutOut({ ...elsewhere, target }, { by: "the login", said: "Permission denied" });
    expect(message).toContain(
      "see that your ssh agent has a key that ~root/.ssh/authorized_keys there lets in",
    );
    expect(message).not.toContain("AAAAlogin");
  });
});
