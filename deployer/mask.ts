/** Variables whose value is nobody's to read, by their names. */
const secretName = /TOKEN|SECRET|PASSPHRASE|PASSWORD|PRIVATE_KEY|API_KEY|ACCESS_KEY/i;

/** Keys and tokens that are known by their shape. */
const shapes: readonly RegExp[] = [
  /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g,
  /\bAGE-SECRET-KEY-1[0-9A-Z]{10,}/g,
  /\b(?:ghp|gho|ghs|ghu|ghr)_[A-Za-z0-9]{20,}/g,
  /\bgithub_pat_[A-Za-z0-9_]{20,}/g,
  /\bglpat-[A-Za-z0-9_-]{16,}/g,
  /\bpul-[0-9a-f]{40}\b/g,
  /\bFlyV1 [A-Za-z0-9+/=_,-]{20,}/g,
  /\bAKIA[0-9A-Z]{16}\b/g,
  // What stands before the @ of an address: https://user:password@host
  /(?<=:\/\/[^\s/:@]*:)[^\s/@]+(?=@)/g,
];

/** Values shorter than this would black out ordinary words. */
const shortest = 6;
/** A line of a secret that has several; a shorter one may well be in every other file of its kind. */
const longLine = 10;

/**
 * Takes out of texts what nobody is to read there: the values of variables that hold secrets, by name, those that are known to be secret,
 * and whatever looks like a key. Pulumi masks what it knows itself; this is for what goes another way.
 * @param known secrets, e.g. a service's; each long line of one is a secret as well
 */
export function masker(
  env: Readonly<Record<string, string | undefined>>,
  known: Iterable<string> = [],
): (text: string) => string {
  const values = [
    ...Object.entries(env).flatMap(([name, value]) => (secretName.test(name) ? [value ?? ""] : [])),
    ...[...known].flatMap((value) => [
      value,
      value.trim(),
      ...value.split("\n").filter((line) => line.length >= longLine),
    ]),
  ].filter((value) => value.length >= shortest);
  const forms = values
    .flatMap((value) => [value, encodeURIComponent(value), Buffer.from(value).toString("base64")])
    // The longest first: one may be part of another.
    .toSorted((one, other) => other.length - one.length);
  const unique = [...new Set(forms)];
  return (text) =>
    shapes.reduce(
      (rest, shape) => rest.replaceAll(shape, "[secret]"),
      unique.reduce((rest, value) => rest.replaceAll(value, "[secret]"), text),
    );
}

/** A text without what `masker` takes out. */
export const mask = (text: string, env: Readonly<Record<string, string | undefined>>): string =>
  masker(env)(text);
