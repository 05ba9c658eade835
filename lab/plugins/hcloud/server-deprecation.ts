/** What the real provider says of images and server types that are on their way out. */

export interface Deprecation {
  unavailable_after: string;
}

export interface ServerType {
  name: string;
  architecture: string;
  deprecation?: Deprecation | null;
  locations?: { name: string; deprecation?: Deprecation | null }[];
}

export interface Image {
  id: number;
  name: string | null;
  deprecated: string | null;
}

/** `refused` means that it cannot be ordered any more; otherwise the words are a warning. */
export interface Farewell {
  words: string;
  refused: boolean;
}

/** Images can be ordered for three months after they were announced to go. */
export function imageFarewell({ name, deprecated }: Image, now: Date): Farewell | undefined {
  if (deprecated === null) return undefined;
  const last = new Date(deprecated);
  last.setUTCMonth(last.getUTCMonth() + 3);
  const what = `Image ${JSON.stringify(name ?? "")}`;
  return now > last
    ? { words: `${what} is unavailable and can no longer be ordered`, refused: true }
    : {
        words: `${what} is deprecated and will no longer be available for order as of ${day(last)}`,
        refused: false,
      };
}

/** `location` is undefined where the cloud may choose one. */
export function typeFarewell(
  type: ServerType,
  location: string | undefined,
  now: Date,
): Farewell | undefined {
  const what = `Server Type ${JSON.stringify(type.name)}`;
  if (type.deprecation) return farewell(what, "all locations", type.deprecation, now);
  const locations = type.locations ?? [];
  const going = locations.flatMap(({ name, deprecation }) => (deprecation ? [{ name, deprecation }] : []));
  if (location !== undefined) {
    const here = going.find(({ name }) => name === location);
    return here && farewell(what, JSON.stringify(here.name), here.deprecation, now);
  }
  if (going.length === 0 || going.length < locations.length) return undefined;
  const names = (list: typeof going) => list.map(({ name }) => name).join(",");
  const gone = going.filter(({ deprecation }) => now > new Date(deprecation.unavailable_after));
  if (gone.length === going.length)
    return {
      words: `${what} is unavailable in all locations (${names(gone)}) and can no longer be ordered`,
      refused: true,
    };
  const rest =
    gone.length > 0
      ? `can no longer be ordered some locations (${names(gone)})`
      : "will no longer be available for order";
  return { words: `${what} is deprecated in all locations (${names(going)}) and ${rest}`, refused: false };
}

function farewell(what: string, where: string, { unavailable_after }: Deprecation, now: Date): Farewell {
  const last = new Date(unavailable_after);
  return now > last
    ? { words: `${what} is unavailable in ${where} and can no longer be ordered`, refused: true }
    : {
        words: `${what} is deprecated in ${where} and will no longer be available for order as of ${day(last)}`,
        refused: false,
      };
}

function day(date: Date): string {
  return date.toISOString().slice(0, 10);
}
