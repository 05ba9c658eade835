import { z } from "zod";
import { datedCatalogue } from "../../config/catalogue.ts";
import { domain, ed25519Key } from "../../config/host.ts";
import { pinnedReference } from "../../config/image.ts";
import { Failure } from "../../deployer/failure.ts";

/** What a first stack is for. */
export const kinds = ["hetzner", "existing", "containers", "fly"] as const;
export type Kind = (typeof kinds)[number];

/** What `berth init` was told by options: what is not there is asked for, or has a default. */
export interface InitOptions {
  name?: string;
  stack?: string;
  on?: Kind;
  domain?: string;
  type?: string;
  location?: string;
  address?: string;
  hostKey?: string;
  image?: string;
  region?: string;
  /** A flake of one's own with the systems; one is written when absent. */
  flake?: string;
  /** Name of the system in that flake. */
  system?: string;
}

const host = { flake: z.string().optional(), system: z.string(), domain: domain.optional() };
const whole = { name: z.string(), stack: z.string() };

/** Everything that the files follow from. */
export const answers = z.discriminatedUnion("on", [
  z.object({ ...whole, ...host, on: z.literal("hetzner"), type: z.string(), location: z.string() }),
  z.object({ ...whole, ...host, on: z.literal("existing"), address: z.string(), hostKey: z.string() }),
  z.object({
    ...whole,
    on: z.literal("containers"),
    address: z.string(),
    hostKey: z.string(),
    image: z.string(),
  }),
  z.object({ ...whole, on: z.literal("fly"), region: z.string(), image: z.string() }),
]);
export type Answers = z.infer<typeof answers>;

/** One thing to ask. */
export interface Question {
  key: Exclude<keyof InitOptions, "flake" | "system">;
  question: string;
  /** What is taken where nobody answers; a question without it needs an answer. */
  usual?: string;
  choices?: readonly { value: string; label: string }[];
  /** What is wrong with an answer; undefined where nothing is. */
  fault: (answer: string) => string | undefined;
}

const matching =
  (pattern: RegExp, wanted: string) =>
  (answer: string): string | undefined =>
    pattern.test(answer) ? undefined : wanted;
const parsing =
  (schema: z.ZodType) =>
  (answer: string): string | undefined =>
    schema.safeParse(answer).error?.issues[0]?.message;
const oneOf =
  (values: readonly string[]) =>
  (answer: string): string | undefined =>
    values.includes(answer) ? undefined : `one of ${values.join(", ")}`;

const label = 'letters a-z, digits and inner hyphens, 63 at most, such as "site"';
const kindLabels: Record<Kind, string> = {
  hetzner: "a server that is ordered at Hetzner Cloud",
  existing: "a machine there is already, which gets NixOS",
  containers: "a machine with Docker",
  fly: "Fly.io",
};

const needed: Record<Kind, readonly Question["key"][]> = {
  hetzner: ["domain", "type", "location"],
  existing: ["domain", "address", "hostKey"],
  containers: ["address", "hostKey", "image"],
  fly: ["region", "image"],
};

/**
 * What is to be asked next, by what is known already; undefined when nothing is. Pure.
 * @param folder name of the project's folder
 */
export function nextQuestion(known: InitOptions, folder: string): Question | undefined {
  const keys: Question["key"][] = ["name", "stack", "on", ...(known.on ? needed[known.on] : [])];
  const key = keys.find((one) => known[one] === undefined);
  return key && questions(known, folder)[key];
}

/** Every question, by what is known. Pure. */
export function questions(known: InitOptions, folder: string): Record<Question["key"], Question> {
  const types = datedCatalogue.serverTypes;
  const type = types.find(({ name }) => name === known.type);
  const places = Object.keys(type?.locations ?? {});
  const { currency } = datedCatalogue;
  return {
    name: {
      key: "name",
      question: "What is the project called?",
      usual: projectName(folder),
      fault: matching(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, label),
    },
    stack: {
      key: "stack",
      question: "And its first stack?",
      usual: "prod",
      fault: matching(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, label),
    },
    on: {
      key: "on",
      question: "Where does the app run?",
      usual: "hetzner",
      choices: kinds.map((value) => ({ value, label: kindLabels[value] })),
      fault: oneOf(kinds),
    },
    domain: {
      key: "domain",
      question: "Under which domain do people reach it?",
      usual: `${known.name ?? "app"}.example.org`,
      fault: parsing(domain),
    },
    type: {
      key: "type",
      question: "Which type of server?",
      usual: "cx23",
      choices: types.map(({ name, cores, memory, disk, architecture, locations }) => {
        const monthly = Object.values(locations).map(({ monthly }) => monthly ?? Number.POSITIVE_INFINITY);
        const price = Math.min(...monthly);
        const cost = Number.isFinite(price) ? `, from ${price.toFixed(2)} ${currency} a month` : "";
        const label = `${name}: ${cores} cores, ${memory} GB, disk ${disk} GB, ${architecture.split("-")[0]}${cost}`;
        return { value: name, label };
      }),
      fault: oneOf(types.map(({ name }) => name)),
    },
    location: {
      key: "location",
      question: "Where?",
      usual: places[0] ?? "fsn1",
      choices: places.map((value) => ({ value, label: value })),
      fault: oneOf(places),
    },
    address: {
      key: "address",
      question: "What is the machine's address?",
      fault: parsing(z.union([z.ipv4(), z.ipv6(), domain], "an address or a domain")),
    },
    hostKey: {
      key: "hostKey",
      question: "And its ed25519 host key? berth trust ADDRESS shows it.",
      fault: parsing(ed25519Key),
    },
    image: {
      key: "image",
      question: "Which image, by its digest (name@sha256:…)?",
      fault: parsing(pinnedReference),
    },
    region: {
      key: "region",
      question: "In which region of Fly's?",
      usual: "fra",
      fault: matching(/^[a-z]{3}$/, "three letters, such as fra"),
    },
  };
}

/** A project's name out of a folder's: what is allowed of it. */
const projectName = (folder: string): string =>
  folder
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .slice(0, 63)
    .replaceAll(/^-+|-+$/g, "") || "site";

/** What options say, with the usual answer for what they do not. Throws a Failure for what has none, or is wrong. Pure. */
export function withUsual(options: InitOptions, folder: string): Answers {
  const known = { ...options };
  for (let next = nextQuestion(known, folder); next; next = nextQuestion(known, folder)) {
    if (next.usual === undefined)
      throw new Failure({
        tried: "make a project without asking",
        cameBack: `--${optionOf(next.key)} is missing: ${next.question}`,
        next: `give it, or leave out --yes to be asked`,
      });
    Object.assign(known, { [next.key]: next.usual });
  }
  return complete(known, folder);
}

/** The answers, each looked at. Throws a Failure with every one that is wrong. Pure. */
export function complete(known: InitOptions, folder: string): Answers {
  const all = Object.values(questions(known, folder));
  const wanted: Question["key"][] = ["name", "stack", "on", ...(known.on ? (needed[known.on] ?? []) : [])];
  const faults = all.flatMap(({ key, fault }) => {
    const answer = known[key];
    const wrong = answer === undefined || !wanted.includes(key) ? undefined : fault(answer);
    return wrong === undefined ? [] : [`--${optionOf(key)} ${answer}: ${wrong} is needed`];
  });
  if (faults.length > 0)
    throw new Failure({ tried: "make a project", cameBack: faults.join("; "), next: "give another" });
  return answers.parse({ ...known, system: known.system ?? "web" });
}

/** An option's name on the command line. */
export const optionOf = (key: string): string =>
  key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
