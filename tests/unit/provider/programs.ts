import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterEach, beforeEach, vi } from "vitest";
import { closeSessions } from "../../../provider/resources/sessions.ts";

/** Programs that each test of a file plays; they go with the test, and so do the connections that were made by them. */
export class Programs {
  #folder = "";

  constructor() {
    beforeEach(() => {
      this.#folder = mkdtempSync(join(tmpdir(), "berth-programs-"));
    });
    afterEach(async () => {
      await closeSessions();
      vi.unstubAllEnvs();
      rmSync(this.#folder, { recursive: true });
    });
  }

  /** Where they lie, and what they write. */
  get folder(): string {
    return this.#folder;
  }

  /** Put a program of that name first on PATH. */
  play(name: string, script: string): void {
    writeFileSync(join(this.#folder, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(this.#folder, name), 0o755);
    vi.stubEnv("PATH", `${this.#folder}${delimiter}${process.env.PATH}`);
  }

  /** Put an ssh first on PATH that plays a master connection, and runs a script for everything else. */
  playSsh(script: string): void {
    this.play(
      "ssh",
      `case "$*" in
        *" -N "*) touch "$(sed -n 's/^ *ControlPath //p' "$2")"; exec sleep 60 ;;
      esac
      ${script}`,
    );
  }
}
