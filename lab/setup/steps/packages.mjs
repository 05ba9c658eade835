import { debianPackages, missingPackages } from "../packages.mjs";

/**
 * @param {{ tests: boolean }} wanted
 * @returns {import("../steps.mjs").Step}
 */
export function packagesStep(wanted) {
  return {
    name: "packages",
    title: "Debian packages",
    get why() {
      return missingPackages(wanted)
        .map((name) => `${name} (${debianPackages[name]?.why})`)
        .join(", ");
    },
    diskMB: 600,
    async check() {
      return missingPackages(wanted).length === 0 ? { path: [], env: {} } : undefined;
    },
    async rootWork() {
      const names = missingPackages(wanted);
      return names.length > 0
        ? { verb: "packages", args: names, reason: `install ${names.join(", ")}` }
        : undefined;
    },
    async make() {},
  };
}
