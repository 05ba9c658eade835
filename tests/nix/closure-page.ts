import { z } from "zod";

/** A system's limit and what it was last measured at, as closure-sizes.json has it. */
export const closureSizes = z.record(
  z.string(),
  z.strictObject({
    /** MB (10⁶ bytes) of NAR that the closure may have. */
    limit: z.int().positive(),
    measured: z
      .strictObject({
        /** Bytes of NAR. */
        bytes: z.int().positive(),
        paths: z.int().positive(),
        /** Version of the system, which is that of its nixpkgs. */
        nixos: z.string(),
        date: z.iso.date(),
      })
      .nullable(),
  }),
);
export type ClosureSizes = z.infer<typeof closureSizes>;

const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(0)} MB`;

/** docs/closure-sizes.md for what is known. */
export function closurePage(sizes: ClosureSizes): string {
  const rows = Object.entries(sizes).map(([name, { limit, measured }]) =>
    measured
      ? `| \`${name}\` | ${limit} MB | ${megabytes(measured.bytes)} in ${measured.paths} paths | ${measured.nixos}, ${measured.date} |`
      : `| \`${name}\` | ${limit} MB | unmeasured | |`,
  );
  const unmeasured = Object.values(sizes).filter(({ measured }) => measured === null).length;
  const caution = `${unmeasured} of ${rows.length} are **unmeasured**: nobody has built them yet where a size was taken. Their limits are guesses on the generous
side, which the first measurement replaces.
`;
  return `# Closure sizes

<!-- Made by \`npm run closure-sizes\` from tests/nix/closure-sizes.json. -->

What each system may weigh, as the sum of its closure's NARs, and what it was last seen to. \`checks.<system>.size-NAME\` fails where a
system is over its limit, and prints its ten largest paths with who needs each.

| system | limit | measured | with |
|---|---|---|---|
${rows.join("\n")}

${unmeasured > 0 ? `${caution}\n` : ""}## Looking
\`\`\`sh
nix build --out-link result .#nixosConfigurations.web.config.system.build.toplevel
nix path-info -sSrh ./result | sort -k3h | tail -n 20    # each path: itself, with all it needs
nix why-depends ./result /nix/store/…-perl-5.42.0        # who brings it
\`\`\`

\`npm run closure-sizes\` measures every system that is built in the store here, writes the numbers down, and makes this page of them. A
limit is a decision: it stands in \`tests/nix/closure-sizes.json\`, and a change of it says why.
`;
}
