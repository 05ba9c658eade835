import { randomBytes } from "node:crypto";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** The app's source as the main job changes it. Every text it writes is unique, so that no step can pass on an old release. */
export class Site {
  readonly #folder: string;
  #text = "";

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** The unique text that the page shows since the last change. */
  get text(): string {
    return this.#text;
  }

  /** Change the page's greeting; returns the unique text in it. */
  async change(greeting: string): Promise<string> {
    this.#text = randomBytes(6).toString("hex");
    await writeFile(
      join(this.#folder, "src/lib/greeting.ts"),
      `/** The line the page greets with. */\nexport const greeting = ${JSON.stringify(`${greeting} [${this.#text}]`)};\n`,
    );
    return this.#text;
  }

  /** Make every request fail, as a forgotten migration or a missing setting would. */
  async break(): Promise<void> {
    await writeFile(
      this.#hooks,
      'export const handle = () => {\n  throw new Error("broken on purpose");\n};\n',
    );
  }

  /** Make its build fail. */
  async breakBuild(): Promise<void> {
    await writeFile(this.#hooks, "export const handle = (((;\n");
  }

  async mend(): Promise<void> {
    await rm(this.#hooks, { force: true });
  }

  get #hooks(): string {
    return join(this.#folder, "src/hooks.server.ts");
  }
}
