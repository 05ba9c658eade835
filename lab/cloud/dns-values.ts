import { targetProblem } from "./dns-names.ts";
import { bytesOf, DnsTextError, type Word, wordsOf } from "./dns-text.ts";
import { parseAddress } from "./ip.ts";
import { serviceParameterProblem } from "./svcb.ts";

export const rrsetTypes = [
  "A",
  "AAAA",
  "CAA",
  "CNAME",
  "DS",
  "HINFO",
  "HTTPS",
  "MX",
  "NS",
  "PTR",
  "RP",
  "SOA",
  "SRV",
  "SVCB",
  "TLSA",
  "TXT",
] as const;

export type RrsetType = (typeof rrsetTypes)[number];

export function isRrsetType(text: string): text is RrsetType {
  return (rrsetTypes as readonly string[]).includes(text);
}

/** What is wrong with one field of a value, or undefined. */
type Field = (word: Word, zone: string) => string | undefined;

const maxText = 255;
const maxRdata = 65_535;

const number =
  (what: string, max: number): Field =>
  ({ text, quoted }) =>
    !quoted && /^\d{1,10}$/.test(text) && Number(text) <= max
      ? undefined
      : `${what} must be a number from 0 to ${max}`;

const name: Field = ({ text, quoted }, zone) =>
  quoted ? `'${text}' is not a domain name` : targetProblem(text, zone);

const address =
  (family: 4 | 6): Field =>
  ({ text }) =>
    parseAddress(text)?.family === family ? undefined : `'${text}' is not an IPv${family} address`;

const text: Field = (word) => {
  const bytes = bytesOf(word);
  if (bytes === undefined) return "a backslash must be followed by a character or by three digits up to 255";
  return bytes.length > maxText ? `a text must have at most ${maxText} bytes` : undefined;
};

const caaTag: Field = (word) =>
  !word.quoted && /^[a-zA-Z0-9]{1,15}$/.test(word.text)
    ? undefined
    : "the tag must be one such as issue, issuewild or iodef";

const seconds = (what: string) => number(what, 2 ** 31 - 1);

/** Types whose values have a fixed number of fields. */
const fixed: Partial<Record<RrsetType, { form: string; fields: Field[] }>> = {
  A: { form: "an IPv4 address", fields: [address(4)] },
  AAAA: { form: "an IPv6 address", fields: [address(6)] },
  CAA: { form: '0 issue "ca.example"', fields: [number("flags", 255), caaTag, text] },
  CNAME: { form: "a domain name", fields: [name] },
  HINFO: { form: '"cpu" "os"', fields: [text, text] },
  MX: { form: "10 mail", fields: [number("preference", 65_535), name] },
  NS: { form: "a domain name", fields: [name] },
  PTR: { form: "a domain name", fields: [name] },
  RP: { form: "mailbox and name of a TXT record", fields: [name, name] },
  SOA: {
    form: "server mailbox serial refresh retry expire minimum",
    fields: [
      name,
      name,
      number("serial", 2 ** 32 - 1),
      seconds("refresh"),
      seconds("retry"),
      seconds("expire"),
      seconds("minimum"),
    ],
  },
  SRV: {
    form: "priority weight port target",
    fields: [number("priority", 65_535), number("weight", 65_535), number("port", 65_535), name],
  },
};

/** What is wrong with the value of a record of a type in a zone, or undefined. */
export function valueProblem(type: RrsetType, value: string, zone: string): string | undefined {
  let words: Word[];
  try {
    words = wordsOf(value);
  } catch (error) {
    if (error instanceof DnsTextError) return error.message;
    throw error;
  }
  const known = fixed[type];
  if (known !== undefined) {
    return words.length === known.fields.length
      ? firstProblem(known.fields.map((field, index) => field(words[index] as Word, zone)))
      : `must be of the form: ${known.form}`;
  }
  switch (type) {
    case "TXT":
      return textProblem(words, zone);
    case "DS":
      return digestProblem(words, zone, {
        fields: [number("key tag", 65_535), number("algorithm", 255), number("digest type", 255)],
        kind: 2,
        lengths: { 1: 20, 2: 32, 4: 48 },
      });
    case "TLSA":
      return digestProblem(words, zone, {
        fields: [number("usage", 3), number("selector", 1), number("matching type", 2)],
        kind: 2,
        lengths: { 1: 32, 2: 64 },
      });
    default:
      return serviceProblem(words, zone);
  }
}

function textProblem(words: Word[], zone: string): string | undefined {
  if (words.length === 0 || words.some(({ quoted }) => !quoted)) {
    return `must be one or several texts in double quotes, of at most ${maxText} bytes each`;
  }
  const length = words.reduce((sum, word) => sum + 1 + (bytesOf(word)?.length ?? 0), 0);
  return firstProblem([
    ...words.map((word) => text(word, zone)),
    length > maxRdata ? "is too long" : undefined,
  ]);
}

/** Numbers, then bytes in hexadecimal that may be written in pieces. */
function digestProblem(
  words: Word[],
  zone: string,
  { fields, kind, lengths }: { fields: Field[]; kind: number; lengths: Record<number, number> },
): string | undefined {
  const numbers = words.slice(0, fields.length);
  const hex = words.slice(fields.length).map((word) => word.text);
  if (numbers.length < fields.length || hex.length === 0) {
    return `must be ${fields.length} numbers and a digest in hexadecimal`;
  }
  const digest = hex.join("");
  const expected = lengths[Number(numbers[kind]?.text)];
  return firstProblem([
    ...fields.map((field, index) => field(numbers[index] as Word, zone)),
    /^(?:[0-9a-fA-F]{2})+$/.test(digest) ? undefined : "the digest must be in hexadecimal",
    expected === undefined || digest.length === expected * 2
      ? undefined
      : `the digest must have ${expected} bytes, not ${digest.length / 2}`,
  ]);
}

function serviceProblem(words: Word[], zone: string): string | undefined {
  const [priority, target, ...parameters] = words;
  if (priority === undefined || target === undefined) {
    return "must be of the form: priority target key=value …";
  }
  if (priority.text === "0" && parameters.length > 0) {
    return "priority 0 is an alias, which has no parameters";
  }
  return firstProblem([
    number("priority", 65_535)(priority, zone),
    name(target, zone),
    serviceParameterProblem(parameters),
  ]);
}

function firstProblem(problems: (string | undefined)[]): string | undefined {
  return problems.find((problem) => problem !== undefined);
}
