import { spawnSync } from "node:child_process";

/** Whether a program is there to be started. */
export const has = (program: string, ...args: string[]): boolean =>
  spawnSync(program, args, { input: "" }).error === undefined;

/** `sh`, and what that is somewhere, as far as it is here: dash at Debian's, bash at NixOS's. */
export const shells = ["sh", "dash", "bash"].filter((shell) => has(shell, "-c", "exit 0"));
