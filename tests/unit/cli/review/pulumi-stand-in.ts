// Plays the pulumi command on stacks that are files of JSON: what the verbs of short-lived stacks ask of it, in its words.
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";

interface Stack {
  tags: Record<string, string>;
  resources: unknown[];
  outputs?: unknown;
  stuck?: boolean;
}

const folder = process.env["STAND_IN_FOLDER"] ?? "";
const words = process.argv
  .slice(2)
  .filter((word) => !["--non-interactive", "--yes", "--json"].includes(word));
const at = words.indexOf("-s");
const named = at < 0 ? "" : (words.splice(at, 2)[1] ?? "");
const fileOf = (name: string) => join(folder, `${name}.stack.json`);
const selectedFile = join(folder, "selected");
const selected = () => (existsSync(selectedFile) ? readFileSync(selectedFile, "utf8") : "");
const select = (name: string) => writeFileSync(selectedFile, name);
const fail = (said: string): never => {
  process.stderr.write(`error: ${said}\n`);
  process.exit(255);
};
const read = (name: string): Stack =>
  existsSync(fileOf(name))
    ? JSON.parse(readFileSync(fileOf(name), "utf8"))
    : fail(`no stack named '${name}' found`);
const write = (name: string, stack: Stack) => writeFileSync(fileOf(name), JSON.stringify(stack));
const names = () => readdirSync(folder).flatMap((file) => /^(.+)\.stack\.json$/.exec(file)?.[1] ?? []);
writeFileSync(join(folder, "asked"), `${words.slice(0, 3).join(" ")} ${named}\n`, { flag: "a" });

const [verb, sub, first = "", second = "", third = ""] = words;
if (verb === "stack" && sub === "ls") console.log(JSON.stringify(names().map((name) => ({ name }))));
else if (verb === "stack" && sub === "--show-name")
  selected() === "" ? fail("no stack selected") : console.log(selected());
else if (verb === "stack" && sub === "select") select(first);
else if (verb === "stack" && sub === "unselect") select("");
else if (verb === "stack" && sub === "init") {
  if (names().includes(first)) fail(`stack '${first}' already exists`);
  write(first, { tags: {}, resources: [] });
} else if (verb === "stack" && sub === "tag" && first === "get") {
  const value = read(named).tags[second];
  if (value === undefined) fail(`stack tag '${second}' not found for stack '${named}'`);
  console.log(value);
} else if (verb === "stack" && sub === "tag") {
  const stack = read(named);
  write(named, { ...stack, tags: { ...stack.tags, [second]: third } });
  select(named);
} else if (verb === "stack" && sub === "export")
  console.log(JSON.stringify({ version: 3, deployment: { resources: read(named).resources } }));
else if (verb === "stack" && sub === "output") console.log(JSON.stringify(read(named).outputs ?? {}));
else if (verb === "stack" && sub === "rm") {
  if (read(first).resources.length > 0) fail(`'${first}' still has resources; removal rejected`);
  rmSync(fileOf(first));
  rmSync(`Pulumi.${first}.yaml`, { force: true });
  select("");
} else if (verb === "up") {
  const stack = read(named);
  const { config } = parse(readFileSync(`Pulumi.${named}.yaml`, "utf8"));
  const urn = (type: string, name: string) => `urn:pulumi:${named}::shop::${type}::${name}`;
  const input = config["berth:shortLived"];
  const stash = {
    type: "pulumi:index:Stash",
    urn: urn("pulumi:index:Stash", "berth:short-lived"),
    inputs: { input },
  };
  const server = { type: "hcloud:index/server:Server", urn: urn("hcloud:index/server:Server", "web1") };
  const broken = words.includes("--broken");
  write(named, {
    ...stack,
    resources: [stash, server],
    outputs: broken ? {} : { hosts: { web1: { url: "http://203.0.113.7/" } } },
  });
  if (broken) fail("update failed");
} else if (verb === "destroy") {
  if (read(named).stuck) fail("a resource could not be deleted");
  write(named, { ...read(named), resources: [] });
} else fail(`the stand-in knows no ${words.join(" ")}`);
