import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { privateFolder } from "../../../deployer/private-folder.ts";
import { openOnDesktop } from "../../desktop.ts";
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
  void openOnDesktop(file).then((trouble) => {
    if (trouble !== undefined) onTrouble(`no browser was opened: ${trouble}; open the address`);
  });
}
