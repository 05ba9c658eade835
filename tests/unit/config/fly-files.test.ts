import { describe, expect, test } from "vitest";
import { writeOutFlyTomls } from "../../../config/fly-files.ts";
import { parseStackConfig } from "../../../config/stack.ts";

const files: Record<string, string> = {
  "./fly.toml": `
app = "echo"
primary_region = "sea"
[build]
image = "registry.fly.io/echo:latest"
[env]
LEVEL = "info"
[http_service]
internal_port = 8080
`,
  "./broken.toml": "app =",
  "./odd.toml": 'app = "echo"\nprimary_region = "sea"\n[[statics]]\nguest_path = "/x"\n',
};
const read = (file: string): string => {
  const text = files[file];
  if (text === undefined) throw new Error(`ENOENT: no such file, open '${file}'`);
  return text;
};
const writtenOut = (fly: unknown) => writeOutFlyTomls({ fly, protect: false }, read);

describe("an app at Fly whose configuration is a fly.toml", () => {
  test("is as the file says, but for what the stack says beside it", () => {
    const { raw, notes, problems } = writtenOut({
      webecho: { toml: "./fly.toml", image: { package: "webecho-image" }, env: { LEVEL: "debug" } },
      other: { regions: { fra: 1 }, image: { package: "x" } },
    });
    expect(problems).toEqual([]);
    const { fly, protect } = parseStackConfig("dev", raw).config;
    expect(protect).toBe(false);
    expect(fly["other"]?.regions).toEqual({ fra: 1 });
    expect(fly["webecho"]).toMatchObject({
      primaryRegion: "sea",
      regions: { sea: 2 },
      image: { package: "webecho-image" },
      env: { LEVEL: "debug" },
      services: [{ internalPort: 8080 }],
    });
    expect(notes).toEqual([
      expect.stringContaining("The file is of the app echo; here it is for webecho."),
      expect.stringContaining("berth:fly.webecho, from ./fly.toml: The file does not say how many machines"),
      expect.stringContaining("build.image: not used, as the image is webecho-image"),
    ]);
  });

  test.each<[string, object, string, string]>([
    [
      "a file that is not there",
      { toml: "./none.toml" },
      "berth:fly.webecho.toml, ./none.toml, the file",
      "no such file",
    ],
    ["a file that is no TOML", { toml: "./broken.toml" }, ", ./broken.toml, line 1", ""],
    [
      "a key without a place in Berth",
      { toml: "./odd.toml", image: { package: "x" } },
      "./odd.toml, statics",
      "nothing like it",
    ],
    [
      "an image by its tag, in the file",
      { toml: "./fly.toml" },
      "./fly.toml, build.image",
      "by tag only, which may name another image tomorrow",
    ],
    [
      "a mistake beside the file",
      { toml: "./fly.toml", image: { package: "x" }, regions: { sea: 0 } },
      "berth:fly.webecho.regions.sea",
      "from 1 to 100",
    ],
  ])("%s is told with its place", (_, app, path, message) => {
    const { problems, raw } = writtenOut({ webecho: app });
    expect(problems).toHaveLength(1);
    expect(problems[0]?.path).toContain(path);
    expect(problems[0]?.message).toContain(message);
    expect(raw["fly"]).toEqual({});
  });

  test.each([[undefined], ["text"], [{ webecho: "text" }], [{ webecho: { toml: 3 } }]])(
    "what is no app is left for the configuration's own checks: %j",
    (fly) => expect(writtenOut(fly).raw).toEqual({ fly, protect: false }),
  );
});
