import { resolve } from "node:path";
import { debianPackages } from "./packages.mjs";
import { Trouble } from "./trouble.mjs";

/**
 * @typedef {{ verb: "packages", names: string[] }
 *   | { verb: "nix-store" }
 *   | { verb: "image", cache: string }
 *   | { verb: "docker-image", cache: string }
 *   | { verb: "lab", lab: string, cache: string }
 *   | { verb: "purge", lab: string }} RootRequest
 */

/** What the root helper can do, for people. */
export const rootVerbs = Object.freeze({
  packages: "install Debian packages of a fixed list",
  "nix-store": "make /nix for the user",
  image: "make the Debian image the lab's servers run",
  "docker-image": "make the image with Docker that they run",
  lab: "start the daemon that runs the lab's servers and their network",
  purge: "remove what a lab left behind",
});

/**
 * A request as the helper accepts it.
 * @param {readonly unknown[]} argv verb and arguments
 * @returns {RootRequest}
 * @throws {Trouble} on anything else
 */
export function parseRootRequest(argv) {
  const [verb, ...args] = argv;
  if (!args.every((arg) => typeof arg === "string")) throw new Trouble("arguments must be text");
  switch (verb) {
    case "packages":
      return { verb, names: packageNames(args) };
    case "nix-store":
      options(verb, args, []);
      return { verb };
    case "image":
    case "docker-image":
      return { verb, cache: options(verb, args, ["--cache"])[0] ?? "" };
    case "lab": {
      const [lab = "", cache = ""] = options(verb, args, ["--lab", "--cache"]);
      return { verb, lab, cache };
    }
    case "purge":
      return { verb, lab: options(verb, args, ["--lab"])[0] ?? "" };
    default:
      throw new Trouble(`"${String(verb)}" is none of ${Object.keys(rootVerbs).join(", ")}`);
  }
}

/** @param {readonly string[]} names */
function packageNames(names) {
  const foreign = names.find((name) => !Object.hasOwn(debianPackages, name));
  if (foreign !== undefined) throw new Trouble(`"${foreign}" is not in the list of packages`);
  if (names.length === 0) throw new Trouble("no packages named");
  return [...names];
}

/**
 * The values of exactly these options, each an absolute path.
 * @param {string} verb
 * @param {readonly string[]} args
 * @param {readonly string[]} names
 */
function options(verb, args, names) {
  const usage = [verb, ...names.map((name) => `${name} FOLDER`)].join(" ");
  if (args.length !== names.length * 2) throw new Trouble(`usage: ${usage}`);
  return names.map((name, index) => {
    const value = args[index * 2 + 1] ?? "";
    if (args[index * 2] !== name) throw new Trouble(`usage: ${usage}`);
    if (resolve(value) !== value || value === "/" || /[\0\n]/.test(value)) {
      throw new Trouble(`${name} must be an absolute path in plain form, not "${value}"`);
    }
    return value;
  });
}
