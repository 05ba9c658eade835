/** What the browser shows for a path. */
export type Route =
  | { page: "home" }
  | { page: "about" }
  | { page: "greek" }
  | { page: "word"; word: string }
  | { page: "missing"; path: string };

/** The paths of the pages as people write them; the browser sends them percent-encoded. */
export const paths = { home: "/", about: "/über", greek: "/ελληνικά", word: "/wort/" } as const;

/** The page of a path as `location.pathname` has it. A path that is not UTF-8 is no page of ours. */
export function routeOf(pathname: string): Route {
  const path = decoded(pathname);
  if (path === undefined) return { page: "missing", path: pathname };
  const bare = path.length > 1 ? path.replace(/\/$/, "") : path;
  if (bare === paths.home) return { page: "home" };
  if (bare === paths.about) return { page: "about" };
  if (bare === paths.greek) return { page: "greek" };
  const word = bare.startsWith(paths.word) ? bare.slice(paths.word.length) : "";
  if (word !== "" && !word.includes("/")) return { page: "word", word };
  return { page: "missing", path };
}

function decoded(pathname: string): string | undefined {
  try {
    // The same letter may be written as one character or as two.
    return decodeURIComponent(pathname).normalize("NFC");
  } catch {
    return undefined;
  }
}
