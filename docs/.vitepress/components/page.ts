import type { Component, Field, Shape } from "./read.ts";

/**
 * The page about components.
 * @param folder the way from the page to the files that declare them
 */
export function componentsPage(
  components: readonly Component[],
  shapes: readonly Shape[],
  folder: string,
): string {
  const wholes = components.filter(isWhole);
  const parts = components.filter((one) => !isWhole(one));
  return `${[
    "# Components",
    "<!-- Made by npm run docs:components of what components/ says of itself. -->",
    `What \`index.ts\` is made of, and what a program of your own can be made of: each component is a class of \`components/\`, with its arguments
and its outputs. *Input* stands for a value or an output of another resource. A stack file sets most of it: [its keys](../configuration.md).`,
    "## Hosts, containers, apps",
    ...wholes.flatMap((one) => section(one, folder)),
    "## Their parts",
    ...parts.flatMap((one) => section(one, folder)),
    "## Shapes",
    "What arguments and outputs above are made of.",
    ...shapes.flatMap(shapeSection),
  ].join("\n\n")}\n`;
}

/** What a program makes; all else is made by these. */
const isWhole = ({ type }: Component): boolean =>
  type.startsWith("berth:index:") || type === "berth:fly:AppAtFly";

function section(component: Component, folder: string): string[] {
  const { name, file, type, kind, description, args, outputs } = component;
  const what = kind === "component" ? "A component" : "A resource of Berth's provider";
  return [
    `### ${name}`,
    text(description),
    `${what}, \`${type}\`, of [\`components/${file}\`](${folder}/${file}).`,
    ...(args.length === 0 ? [] : [argumentsTable(args)]),
    ...(outputs.length === 0 ? [] : [outputsTable(outputs)]),
  ];
}

const shapeSection = ({ name, description, fields }: Shape): string[] => [
  `### ${name}`,
  ...(description === "" ? [] : [text(description)]),
  fieldsTable(fields),
];

const argumentsTable = (fields: readonly Field[]) =>
  table(
    ["argument", "type", "default", "what it is"],
    fields.map((field) => [
      code(field.name),
      code(shortType(field.type)),
      defaultOf(field),
      described(field),
    ]),
  );
const outputsTable = (fields: readonly Field[]) =>
  table(
    ["output", "type", "what it is"],
    fields.map((field) => [code(field.name), code(shortType(field.type)), described(field)]),
  );
const fieldsTable = (fields: readonly Field[]) =>
  table(
    ["field", "type", "what it is"],
    fields.map((field) => [
      code(field.optional ? `${field.name}?` : field.name),
      code(shortType(field.type)),
      described(field),
    ]),
  );

/** Pulumi's own names are known well enough to go without their module. */
const shortType = (type: string): string => type.replaceAll("pulumi.", "");

function defaultOf({ optional, default: value }: Field): string {
  if (!optional) return "*needed*";
  if (value === undefined) return "";
  return /^["[{\d]|^(true|false)$/.test(value) ? code(value) : text(value);
}

const described = ({ description, example }: Field): string =>
  `${text(description)}${example === undefined ? "" : ` Example: ${code(example)}`}`.trim();

const cell = (content: string): string => content.replaceAll("|", "\\|");
const code = (content: string): string => `\`${content}\``;
/** Outside of code, what looks like a tag would be one. */
const text = (content: string): string =>
  content
    .split("`")
    .map((part, at) => (at % 2 === 0 ? part.replaceAll("<", "&lt;") : part))
    .join("`");

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => "---"), ...rows].map((row) => `| ${row.map(cell).join(" | ")} |`).join("\n");
