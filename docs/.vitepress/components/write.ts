import { writeFileSync } from "node:fs";
import { madePage, page } from "./made.ts";

writeFileSync(page, madePage());
