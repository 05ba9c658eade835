import { dockerImageStep } from "./steps/docker-image.mjs";
import { engineStep } from "./steps/engine.mjs";
import { imageStep } from "./steps/image.mjs";
import { nixStep } from "./steps/nix.mjs";
import { npmStep } from "./steps/npm.mjs";
import { packagesStep } from "./steps/packages.mjs";
import { pythonClientStep } from "./steps/python-client.mjs";
import { registryStep } from "./steps/registry.mjs";

/**
 * What a step needs to work with.
 * @typedef {object} Context
 * @property {string} cache
 * @property {(doing: string) => void} at names what is being done just now
 * @property {(line: string) => void} say
 */

/**
 * What a tool that is there adds to the environment.
 * @typedef {object} Found
 * @property {string[]} path folders to put first on PATH
 * @property {Record<string, string>} env
 */

/**
 * Work for the root helper.
 * @typedef {object} RootWork
 * @property {string} verb
 * @property {string[]} args
 * @property {string} reason for the person who is asked for a password, "install nftables"
 */

/**
 * One thing set-up makes when it is not there.
 * @typedef {object} Step
 * @property {string} name
 * @property {string} title
 * @property {string} why what it is for or how it is made, for the progress line
 * @property {number} diskMB free space it needs at most
 * @property {(context: { cache: string }) => Promise<Found | undefined>} check undefined = has to be made
 * @property {(context: { cache: string }) => Promise<RootWork | undefined>} [rootWork] done before `make`
 * @property {(context: Context) => Promise<void>} make as the user
 * @property {boolean} [optional] what cannot be made is told and gone without
 */

/**
 * What has to be there: "npm" for programs in TypeScript, "nix" to build, "lab" for all of the lab.
 * @typedef {"npm" | "nix" | "lab"} Need
 */

/**
 * The steps for what is needed, grouped: a group begins when the one before has ended, the steps in it run side by side.
 * @param {ReadonlySet<Need>} needs
 * @param {{ tests: boolean }} wanted
 * @returns {Step[][]}
 */
export function stepsFor(needs, wanted) {
  const lab = needs.has("lab");
  const nix = lab || needs.has("nix");
  const groups = [
    [npmStep],
    nix ? [packagesStep(wanted)] : [],
    [
      ...(nix ? [nixStep] : []),
      ...(lab ? [engineStep, imageStep] : []),
      ...(lab && wanted.tests ? [pythonClientStep, registryStep] : []),
    ],
    // Over the image, so behind it.
    lab && wanted.tests ? [dockerImageStep] : [],
  ];
  return groups.filter((group) => group.length > 0);
}
