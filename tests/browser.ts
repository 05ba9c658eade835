import { existsSync } from "node:fs";
import { mkdir, mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type Browser, chromium, type Page } from "playwright-core";

/** Where Debian, and the images of GitHub's runners, have it. */
const executablePath = "/usr/bin/chromium";

/** Why pages cannot be looked at here; undefined where they can. */
export const noBrowser = existsSync(executablePath)
  ? undefined
  : `there is no ${executablePath}: apt-get install chromium, which Debian has`;

/** Widths in CSS pixels: a phone, and a window on a desk. */
export const widths = { narrow: 390, wide: 1280 } as const;
export const schemes = ["light", "dark"] as const;
export type Scheme = (typeof schemes)[number];
export type Width = keyof typeof widths;

/** Every look that a page is looked at in. */
export const looks = schemes.flatMap((scheme) =>
  (Object.keys(widths) as Width[]).map((width) => ({ scheme, width })),
);

/** Milliseconds for anything a browser does on a machine that is busy. */
const patience = 120_000;

export interface OpenPage {
  page: Page;
  /** What went wrong on it: lines of the console, errors that nobody caught, and requests to anywhere but to where it is from. */
  troubles: string[];
  /** Take a picture of all of it, or of what a selector names. Returns the file. */
  picture: (name: string, of?: string) => Promise<string>;
}

/** A real Chromium, headless. One serves a file of tests; each look is a profile of its own. */
export class Pages {
  readonly #browser: Browser;
  /** Where pictures go. `BERTH_PICTURES` names another than a new one in the system's folder for such things. */
  readonly folder: string;

  private constructor(browser: Browser, folder: string) {
    this.#browser = browser;
    this.folder = folder;
  }

  /** Start it. Without one, `noBrowser` is what tests are skipped with. */
  static async start(): Promise<Pages> {
    const folder = process.env["BERTH_PICTURES"] ?? (await mkdtemp(join(tmpdir(), "berth-pictures-")));
    await mkdir(folder, { recursive: true });
    console.log(`pictures are in ${folder}`);
    const browser = await chromium.launch({
      executablePath,
      timeout: patience,
      // Root has no sandbox in Chromium, and the pages are our own.
      chromiumSandbox: process.getuid?.() !== 0,
      // /dev/shm is small in a container.
      args: ["--disable-dev-shm-usage", "--force-color-profile=srgb", "--font-render-hinting=none"],
    });
    return new Pages(browser, folder);
  }

  /**
   * Open a page of a file or a server.
   * @param at an absolute path, or a URL
   * @param script whether scripts may run. @default true
   */
  async open(
    at: string,
    { scheme, width, script = true }: { scheme: Scheme; width: Width; script?: boolean },
  ): Promise<OpenPage> {
    const url = at.startsWith("/") ? pathToFileURL(at) : new URL(at);
    const context = await this.#browser.newContext({
      viewport: { width: widths[width], height: 900 },
      colorScheme: scheme,
      reducedMotion: "reduce",
      javaScriptEnabled: script,
    });
    context.setDefaultTimeout(patience);
    const page = await context.newPage();
    const troubles: string[] = [];
    const isOwn = (request: URL) =>
      request.protocol === "data:" ||
      (url.protocol === "file:" ? request.href === url.href : request.origin === url.origin);
    page.on("console", (line) => {
      if (["error", "warning"].includes(line.type())) troubles.push(`console: ${line.text()}`);
    });
    page.on("pageerror", (error) => troubles.push(`error: ${error.message}`));
    page.on("request", (request) => {
      if (!isOwn(new URL(request.url()))) troubles.push(`request: ${request.url()}`);
    });
    await page.goto(url.href);
    const picture = async (name: string, of?: string) => {
      const path = join(this.folder, `${name}-${scheme}-${width}.png`);
      if (of === undefined) await page.screenshot({ path, fullPage: true });
      else await page.locator(of).screenshot({ path });
      return path;
    };
    return { page, troubles, picture };
  }

  close(): Promise<void> {
    return this.#browser.close();
  }
}

/** How many pixels a page is wider than its window: more than none has people scroll to and fro. */
export const overhang = (page: Page): Promise<number> =>
  page.evaluate<number>("document.documentElement.scrollWidth - document.documentElement.clientWidth");
