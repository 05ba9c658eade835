import { expect, test } from "vitest";
import { describe as describeFindings } from "../../../cli/rescue.ts";
import { introduce } from "../../../cli/trust.ts";

test("what a rescue system found is shown whole, but for the journal, of which the end is", () => {
  const lines = (count: number) =>
    Array.from({ length: count }, (_, index) => `line ${index + 1}`).join("\n");
  const text = describeFindings(
    {
      ok: true,
      os: "Debian GNU/Linux 13 (trixie)",
      server: "4711",
      sections: [
        { name: "disks", from: "lsblk", text: lines(4) },
        { name: "verdicts", from: "/m/verdicts", text: "" },
        { name: "journal", from: "/m/journal", text: lines(5) },
      ],
    },
    2,
  );
  expect(text).toBe(
    [
      "rescue system Debian GNU/Linux 13 (trixie), on server 4711",
      "",
      "== disks (lsblk)",
      ...lines(4).split("\n"),
      "",
      "== verdicts (/m/verdicts)",
      "(nothing)",
      "",
      "== journal (/m/journal, the last 2 of 5 lines)",
      "line 4",
      "line 5",
      "",
    ].join("\n"),
  );
});

test("a rescue system whose server is not known says so", () => {
  expect(describeFindings({ ok: true, os: "x", server: "", sections: [] }, 1)).toContain(
    "its metadata service did not say on which server",
  );
});

const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHPqhmDPiNmRVrnImmQAa3EnHeTw2lOCpsYVSRAYWGOG";

test("a machine is introduced by its fingerprint and by lines that a stack's configuration takes", async () => {
  const text = introduce("2001:db8::7", 2222, key);
  // As ssh-keygen -l prints it.
  expect(text).toContain("SHA256:");
  const { parse } = await import("yaml");
  const { stackConfig } = await import("../../../config/stack.ts");
  const written = parse(text.slice(text.indexOf("  berth:hosts:"))) as { "berth:hosts": { NAME: object } };
  const host = { system: "web", ...written["berth:hosts"].NAME };
  expect(stackConfig.parse({ hosts: { web1: host } }).hosts.web1?.existing).toMatchObject({
    address: "2001:db8::7",
    port: 2222,
    hostKey: key,
  });
  expect(introduce("203.0.113.7", 22, key)).not.toContain("port:");
});
