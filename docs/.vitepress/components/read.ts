import ts from "typescript";

/** One argument, output or field. */
export interface Field {
  name: string;
  /** As it is written in the source, in one line. */
  type: string;
  optional: boolean;
  description: string;
  default: string | undefined;
  example: string | undefined;
}

/** An exported interface. */
export interface Shape {
  name: string;
  description: string;
  fields: Field[];
}

/** A class of resources. */
export interface Component {
  name: string;
  /** The file's name, such as "volume.ts". */
  file: string;
  /** Pulumi's type, such as "berth:hetzner:Volume". */
  type: string;
  /** Whether it is a group of resources, or one of Berth's provider. */
  kind: "component" | "resource";
  description: string;
  args: Field[];
  outputs: Field[];
}

interface Declared extends Shape {
  bases: string[];
}

/**
 * Reads what components say of themselves, and of the shapes that their arguments and outputs name.
 * @param sources text by file name
 */
export function readComponents(sources: ReadonlyMap<string, string>): {
  components: Component[];
  shapes: Shape[];
} {
  const files = [...sources].map(([name, text]) =>
    ts.createSourceFile(name, text, ts.ScriptTarget.Latest, true, ts.ScriptKind.TS),
  );
  const interfaces = new Map(
    files
      .flatMap((file) => file.statements.filter(ts.isInterfaceDeclaration).map(declared))
      .map((one) => [one.name, one]),
  );
  const fieldsOf = ({ name, bases, fields }: Declared): Field[] => {
    const inherited = bases.flatMap((base) => {
      const found = interfaces.get(base);
      if (!found) throw new Error(`${name} extends ${base}, which no file declares`);
      return fieldsOf(found);
    });
    const own = new Set(fields.map((field) => field.name));
    return [...fields, ...inherited.filter((field) => !own.has(field.name))];
  };
  const components = files.flatMap((file) =>
    file.statements.filter(ts.isClassDeclaration).flatMap((node) => {
      const kind = kindOf(node);
      if (!kind || !node.name) return [];
      const args = argsOf(node);
      const named = args === undefined ? undefined : interfaces.get(args);
      if (args !== undefined && !named) throw new Error(`${file.fileName}: no file declares ${args}`);
      const promised = promisesOf(node)
        .flatMap((name) => interfaces.get(name) ?? [])
        .flatMap(fieldsOf);
      return {
        name: node.name.text,
        file: file.fileName,
        type: resourceType(node, file),
        kind,
        description: docOf(node).description,
        args: named ? fieldsOf(named) : [],
        outputs: node.members.filter(isOutput).map(field).map(completedBy(promised)),
      };
    }),
  );
  return {
    components,
    shapes: namedBy(components, (name) => {
      const found = interfaces.get(name);
      return found && { name, description: found.description, fields: fieldsOf(found) };
    }),
  };
}

/** Shapes that types of components name, and those that these name, by name. */
function namedBy(components: readonly Component[], shapeOf: (name: string) => Shape | undefined): Shape[] {
  const found = new Map<string, Shape>();
  const look = (fields: readonly Field[]) => {
    for (const word of fields.flatMap(({ type }) => type.match(/\b[A-Z]\w+/g) ?? [])) {
      const shape = found.has(word) ? undefined : shapeOf(word);
      if (!shape) continue;
      found.set(word, shape);
      look(shape.fields);
    }
  };
  for (const { args, outputs } of components) look([...args, ...outputs]);
  return [...found.values()].toSorted((a, b) => a.name.localeCompare(b.name, "en"));
}

const declared = (node: ts.InterfaceDeclaration): Declared => ({
  name: node.name.text,
  description: docOf(node).description,
  bases: basesOf(node, ts.SyntaxKind.ExtendsKeyword),
  fields: node.members.filter(ts.isPropertySignature).map(field),
});

const basesOf = (node: ts.ClassDeclaration | ts.InterfaceDeclaration, keyword: ts.HeritageClause["token"]) =>
  (node.heritageClauses ?? [])
    .filter(({ token }) => token === keyword)
    .flatMap(({ types }) => types.map((type) => type.expression.getText()));

/** Interfaces that a class implements. */
const promisesOf = (node: ts.ClassDeclaration) => basesOf(node, ts.SyntaxKind.ImplementsKeyword);

/** What an interface says of an output that its class says nothing of. */
const completedBy = (promised: readonly Field[]) => (output: Field) => {
  const from = promised.find(({ name }) => name === output.name);
  return {
    ...output,
    type: output.type || (from?.type ?? ""),
    description: output.description || (from?.description ?? ""),
  };
};

function kindOf(node: ts.ClassDeclaration): Component["kind"] | undefined {
  const bases = basesOf(node, ts.SyntaxKind.ExtendsKeyword);
  if (bases.includes("pulumi.ComponentResource")) return "component";
  return bases.includes("pulumi.CustomResource") ? "resource" : undefined;
}

const constructorOf = (node: ts.ClassDeclaration) => node.members.find(ts.isConstructorDeclaration);

/** Name of the interface of the arguments; none for a resource that takes no arguments of its own. */
const argsOf = (node: ts.ClassDeclaration): string | undefined =>
  constructorOf(node)
    ?.parameters.find(({ name }) => name.getText() === "args")
    ?.type?.getText();

function resourceType(node: ts.ClassDeclaration, file: ts.SourceFile): string {
  const found = /super\(\s*"([^"]+)"/.exec(constructorOf(node)?.getText() ?? "")?.[1];
  if (found === undefined) throw new Error(`${file.fileName}: ${node.name?.text} has no type`);
  return found;
}

const isOutput = (member: ts.ClassElement): member is ts.PropertyDeclaration =>
  ts.isPropertyDeclaration(member) &&
  !ts.isPrivateIdentifier(member.name) &&
  !(ts.getCombinedModifierFlags(member) & (ts.ModifierFlags.Private | ts.ModifierFlags.Protected));

function field(node: ts.PropertySignature | ts.PropertyDeclaration): Field {
  const optional = node.questionToken !== undefined || / \| undefined$/.test(typeText(node));
  return {
    name: node.name.getText(),
    type: typeText(node).replace(/ \| undefined$/, ""),
    optional,
    ...docOf(node),
  };
}

const printer = ts.createPrinter({ removeComments: true });

/** Without comments, in one line. */
function typeText({ type, parent }: ts.PropertySignature | ts.PropertyDeclaration): string {
  if (!type) return "";
  const printed = printer.printNode(ts.EmitHint.Unspecified, type, parent.getSourceFile());
  return printed.replaceAll(/;\s*}/g, " }").replaceAll(/\s+/g, " ");
}

function docOf(node: ts.Node): Pick<Field, "description" | "default" | "example"> {
  const doc = ts.getJSDocCommentsAndTags(node).findLast(ts.isJSDoc);
  const tag = (name: string) => {
    const found = doc?.tags?.find(({ tagName }) => tagName.text === name);
    return found && oneLine(ts.getTextOfJSDocComment(found.comment));
  };
  return {
    description: oneLine(ts.getTextOfJSDocComment(doc?.comment)) ?? "",
    default: tag("default"),
    example: tag("example"),
  };
}

const oneLine = (text: string | undefined): string | undefined => text?.replaceAll(/\s+/g, " ").trim();
