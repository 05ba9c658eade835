import { readdirSync, readFileSync } from "node:fs";
import { componentsPage } from "./page.ts";
import { readComponents } from "./read.ts";

const folder = new URL("../../../components/", import.meta.url);

/** Where the page is committed. */
export const page = new URL("../../reference/components.md", import.meta.url);

/** What the components of this repository say of themselves. */
export const ours = () =>
  readComponents(
    new Map(
      readdirSync(folder)
        .filter((file) => file.endsWith(".ts"))
        .toSorted()
        .map((file) => [file, readFileSync(new URL(file, folder), "utf8")]),
    ),
  );

/** The page as it should be. */
export function madePage(): string {
  const { components, shapes } = ours();
  return componentsPage(components, shapes, "../../components");
}
