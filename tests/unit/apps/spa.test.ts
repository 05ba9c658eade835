import fc from "fast-check";
import { expect, test } from "vitest";
import { paths, type Route, routeOf } from "../../../apps/spa/src/lib/routes.ts";

test.each<[string, Route]>([
  ["/", { page: "home" }],
  ["/%C3%BCber", { page: "about" }],
  ["/%C3%BCber/", { page: "about" }],
  // The same word, its umlaut written as two characters.
  ["/u%CC%88ber", { page: "about" }],
  [encodeURI(paths.greek), { page: "greek" }],
  [encodeURI("/wort/αγκυροβόλιο⚓"), { page: "word", word: "αγκυροβόλιο⚓" }],
  ["/wort/", { page: "missing", path: "/wort/" }],
  ["/wort/a/b", { page: "missing", path: "/wort/a/b" }],
  ["/nowhere", { page: "missing", path: "/nowhere" }],
  // Not UTF-8.
  ["/%FC", { page: "missing", path: "/%FC" }],
])("%s is a page", (path, route) => {
  expect(routeOf(path)).toEqual(route);
});

test("every word has a page, in any script", () => {
  const word = fc
    .string({ unit: "grapheme", minLength: 1 })
    .map((text) => text.normalize("NFC").replaceAll("/", "-"));
  fc.assert(
    fc.property(word, (text) => {
      expect(routeOf(`/wort/${encodeURIComponent(text)}`)).toEqual({ page: "word", word: text });
    }),
  );
});
