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

/**
 * A text without what must not be in a comment: the values of variables that hold secrets, by name, and whatever looks like a key. Pulumi
 * masks what it knows to be secret itself; this is for what reaches an error by another way.
 */
export function mask(text: string, env: Readonly<Record<string, string | undefined>>): string {
  const values = Object.entries(env).flatMap(([name, value]) =>
    secretName.test(name) && value !== undefined && value.length >= shortest ? [value] : [],
  );
  // The longest first: one may be part of another.
  const known = values
    .flatMap((value) => [value, encodeURIComponent(value), Buffer.from(value).toString("base64")])
    .toSorted((one, other) => other.length - one.length);
  const without = known.reduce((rest, value) => rest.replaceAll(value, "[secret]"), text);
  return shapes.reduce((rest, shape) => rest.replaceAll(shape, "[secret]"), without);
}
