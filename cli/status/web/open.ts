import { spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { privateFolder } from "../../../deployer/private-folder.ts";
import { documentOf } from "../../page/document.ts";
import { html } from "../../page/html.ts";

/**
 * Have the desktop's browser open an address. Nobody waits for it; what does not work is told. The address is in a file that only this user
 * can read: every user of the machine sees the arguments of a program.
 */
export async function openInBrowser(url: string, onTrouble: (line: string) => void): Promise<void> {
  const file = join(await privateFolder(), "open.html");
  const page = documentOf({
    title: "berth status",
    head: html`<meta http-equiv="refresh" content="0; url=${url}">`,
    main: html`<p><a href="${url}">Go on to the stack</a></p>`,
  });
  await writeFile(file, page, { mode: 0o600 });
  const program = process.platform === "darwin" ? "open" : "xdg-open";
  const child = spawn(program, [file], { stdio: "ignore", detached: true });
  child.once("error", ({ message }) => onTrouble(`no browser was opened: ${message}; open the address`));
  child.once("exit", (code) => {
    if (code) onTrouble(`no browser was opened: ${program} ended with ${code}; open the address`);
  });
  child.unref();
}
