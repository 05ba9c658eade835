/**
 * The first dotted version in a text: "nix (Nix) 2.26.3" -> [2, 26, 3]; a missing part is 0.
 * @param {string} text
 * @returns {[number, number, number] | undefined} undefined when there is none
 */
export function parseVersion(text) {
  const found = /(\d+)\.(\d+)(?:\.(\d+))?/.exec(text);
  return found ? [Number(found[1]), Number(found[2]), Number(found[3] ?? 0)] : undefined;
}

/**
 * Whether the version named in `text` is `wanted` or newer. A text without a version is not.
 * @param {string} text
 * @param {string} wanted
 */
export function atLeast(text, wanted) {
  const have = parseVersion(text);
  const need = parseVersion(wanted);
  if (!have || !need) return false;
  for (const [index, part] of need.entries()) {
    const mine = have[index] ?? 0;
    if (mine !== part) return mine > part;
  }
  return true;
}
