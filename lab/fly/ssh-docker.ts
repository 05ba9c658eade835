import { execa } from "execa";
import { quote } from "../../deployer/ssh/quote.ts";
import type { DockerHost } from "./docker-driver.ts";

/** Where a host with Docker is: an ssh configuration that says how it is reached, its name in there, and its address. */
export interface SshPlace {
  configFile: string;
  alias: string;
  address: string;
}

/** A host's Docker engine, spoken to by its own client over ssh. */
export const sshDocker = ({ configFile, alias, address }: SshPlace): DockerHost => ({
  address,
  async docker(args, input = new Uint8Array()) {
    const command = ["docker", ...args].map(quote).join(" ");
    const ended = await execa("ssh", ["-F", configFile, alias, command], {
      input,
      reject: false,
      timeout: 120_000,
      maxBuffer: 10_000_000,
    });
    if (ended.exitCode === 0) return ended.stdout;
    throw new Error(`docker ${args[0]} on ${address}: ${ended.stderr || `it ended with ${ended.exitCode}`}`);
  },
});
