import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hostAlias, knownHosts, type SshTarget, sshConfig } from "../../../../deployer/ssh/config.ts";

const target: SshTarget = {
  stack: "prod",
  host: "web1",
  address: "203.0.113.7",
  port: 2222,
  user: "root",
  hostKeys: ["ssh-ed25519 AAAAone web1", "ssh-ed25519 AAAAtwo"],
};
const files = { knownHosts: "/run/b/known_hosts", identity: "/run/b/identity", controlPath: "/run/b/master" };

describe("known_hosts", () => {
  test("holds the host's alias with its keys and nothing else: no address, no comment", () => {
    expect(knownHosts(target)).toBe(
      "berth-prod-web1 ssh-ed25519 AAAAone\nberth-prod-web1 ssh-ed25519 AAAAtwo\n",
    );
  });

  test("trusts nobody when no key is known", () => {
    expect(knownHosts({ ...target, hostKeys: [] })).toBe("");
  });
});

test("the alias is the same whatever the address", () => {
  const moved: SshTarget = { ...target, address: "2001:db8::1", port: 22 };
  expect(hostAlias(moved)).toBe(hostAlias(target));
});

const haveSsh = (() => {
  try {
    execFileSync("ssh", ["-V"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
})();

describe("ssh itself reads from the configuration", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "berth-ssh-"));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  /** What `ssh -G` makes of it when ~/.ssh/config is `users`, as option to values. */
  function effective(users: string, wanted = target, paths: Parameters<typeof sshConfig>[1] = files) {
    const usersFile = join(folder, "users");
    writeFileSync(usersFile, users, { mode: 0o600 });
    const text = sshConfig(wanted, paths);
    expect(text).toContain("Include ~/.ssh/config");
    const file = join(folder, "config");
    writeFileSync(file, text.replace("~/.ssh/config", usersFile), { mode: 0o600 });
    const options = new Map<string, string[]>();
    for (const line of execFileSync("ssh", ["-G", "-F", file, hostAlias(wanted)], { encoding: "utf8" }).split(
      "\n",
    )) {
      const [, key = "", value = ""] = /^(\S+) (.*)$/.exec(line) ?? [];
      options.set(key, [...(options.get(key) ?? []), value]);
    }
    return (key: string) => options.get(key)?.join("\n");
  }

  const hostile = `
Host *
  StrictHostKeyChecking no
  UserKnownHostsFile /dev/null
  GlobalKnownHostsFile /etc/ssh/ssh_known_hosts
  KnownHostsCommand /bin/echo trust-anyone
  NoHostAuthenticationForLocalhost yes
  HostKeyAlgorithms +ssh-rsa
  HostKeyAlias another
  HostName elsewhere.example.org
  Port 23
  User mallory
  UpdateHostKeys yes
  VerifyHostKeyDNS yes
  BatchMode no
  PreferredAuthentications password
  IdentitiesOnly no
  AddKeysToAgent yes
  ForwardAgent yes
  ForwardX11 yes
  LocalForward 8080 localhost:80
  RemoteForward 8081 localhost:81
  PermitLocalCommand yes
  LocalCommand touch /tmp/never
  RemoteCommand cat /etc/passwd
  RequestTTY force
  StdinNull yes
  ForkAfterAuthentication yes
  ControlMaster auto
  ControlPath ~/.ssh/master-%C
  ControlPersist 10m
  ConnectTimeout 3600
  ServerAliveInterval 0
  LogLevel DEBUG3
`;
  const strict: [string, string | undefined][] = [
    ["stricthostkeychecking", "true"],
    ["userknownhostsfile", "/run/b/known_hosts"],
    ["globalknownhostsfile", "/dev/null"],
    // Not printed when it is "none".
    ["knownhostscommand", undefined],
    ["nohostauthenticationforlocalhost", "no"],
    ["hostkeyalgorithms", "ssh-ed25519"],
    ["hostkeyalias", "berth-prod-web1"],
    ["hostname", "203.0.113.7"],
    ["port", "2222"],
    ["user", "root"],
    ["updatehostkeys", "false"],
    ["verifyhostkeydns", "false"],
    ["batchmode", "yes"],
    ["preferredauthentications", "publickey"],
    ["identitiesonly", "yes"],
    ["identityfile", "/run/b/identity"],
    ["addkeystoagent", "false"],
    ["forwardagent", "no"],
    ["forwardx11", "no"],
    ["clearallforwardings", "yes"],
    ["permitlocalcommand", "no"],
    ["remotecommand", undefined],
    ["requesttty", "false"],
    ["stdinnull", "no"],
    ["forkafterauthentication", "no"],
    ["controlmaster", "false"],
    ["controlpath", "/run/b/master"],
    ["controlpersist", "no"],
    ["connecttimeout", "10"],
    ["serveraliveinterval", "5"],
    ["loglevel", "ERROR"],
  ];

  test("all it is told, whether the user's own is empty or contradicts it in everything", ({ skip }) => {
    skip(!haveSsh, "ssh is not installed");
    for (const users of ["", hostile]) {
      const option = effective(users);
      expect(strict.map(([key]) => [key, option(key)])).toEqual(strict);
    }
  });

  test("nothing of the user's that contradicts it for this very host", ({ skip }) => {
    skip(!haveSsh, "ssh is not installed");
    const option = effective(hostile.replace("Host *", "Match host 203.0.113.7 originalhost berth-*"));
    expect(strict.map(([key]) => [key, option(key)])).toEqual(strict);
  });

  test("a way to the host that the user has", ({ skip }) => {
    skip(!haveSsh, "ssh is not installed");
    const option = effective("Host 203.0.113.* berth-*\n  ProxyJump bastion.example.org\n");
    expect(option("proxyjump")).toBe("bastion.example.org");
    expect(option("stricthostkeychecking")).toBe("true");
  });

  test("the agent's keys and the user's when the stack brings none", ({ skip }) => {
    skip(!haveSsh, "ssh is not installed");
    const option = effective("IdentityFile ~/.ssh/id_work\n", target, { ...files, identity: undefined });
    expect(option("identityfile")).toContain("id_work");
    expect(option("identitiesonly")).toBe("no");
  });

  test.for<[string, Partial<SshTarget>, string, string]>([
    ["an IPv6 address", { address: "2001:db8::7" }, "hostname", "2001:db8::7"],
    // ssh compares names without regard to case.
    ["a stack named in capitals", { stack: "Prod_A.b" }, "hostkeyalias", "berth-prod_a.b-web1"],
  ])("%s", ([, changes, key, value], { skip }) => {
    skip(!haveSsh, "ssh is not installed");
    expect(effective("", { ...target, ...changes })(key)).toBe(value);
  });
});
