/** JSON text as a value; undefined when it is none. The error of JSON.parse would quote the text, which may be a secret. */
export function jsonOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
