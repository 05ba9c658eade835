import { must } from "./child.mjs";
import { pins } from "./pins.mjs";

/**
 * Unpack a Debian package and all it depends on into a folder, without installing it and without root.
 * @param {string} name
 * @param {string} folder must not exist
 * @param {string} log
 * @param {(doing: string) => void} at
 */
export async function extractDebian(name, folder, log, at) {
  // With `extract` no maintainer script runs, which is what makes chrootless mode safe here.
  const command = [
    "mmdebstrap",
    "--mode=chrootless",
    "--variant=extract",
    `--include=${name}`,
    pins.suite,
    folder,
  ];
  await must(`unpacking ${name} from Debian ${pins.suite}`, command, {
    log,
    onLine: at,
    deadline: 15 * 60_000,
  });
}
