/** `npm run check:nix` and `npm run closure-sizes`: one of the programs of tests/nix on Node 24, with the Nix of this shell. */
import { handOver } from "./hand-over.mjs";
import { runMain } from "./trouble.mjs";

const programs = new Map([
  ["check", "tests/nix/check/main.ts"],
  ["sizes", "tests/nix/closure-sizes.ts"],
]);

const [name = "", ...rest] = process.argv.slice(2);

await runMain(`npm run ${name === "check" ? "check:nix" : "closure-sizes"}`, async () => {
  const program = programs.get(name);
  if (program === undefined) throw new Error(`no program ${name}; there are ${[...programs.keys()]}`);
  return await handOver([program, ...rest], process.env);
});
