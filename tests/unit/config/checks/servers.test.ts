import { describe, expect, test } from "vitest";
import { datedCatalogue } from "../../../../config/catalogue.ts";
import type { PlanInput } from "../../../../config/plan-stack.ts";
import {
  existing,
  flake,
  plan,
  type Raw,
  refusals,
  running,
  runningServer,
  withHost,
  withOffers,
  withServer,
} from "../samples.ts";

const at = (field: string) => `berth:hosts.web1.server.${field}`;
const image = (name: string, deprecated: string) => ({
  ...datedCatalogue,
  images: datedCatalogue.images.map((one) => (one.name === name ? { ...one, deprecated } : one)),
});
const soldOut = withOffers("cx23", { fsn1: { available: false } });
const ended = withOffers("cx23", {
  fsn1: { endsAt: "2026-09-30T00:00:00Z" },
  nbg1: { available: false },
  hel1: { available: false },
});

describe("a server is refused before it is ordered", () => {
  test.each<[string, Raw, Partial<PlanInput>, [path: string, message: string, example?: string][]]>([
    [
      "for a type that nobody sells",
      withServer({ type: "cx99" }),
      {},
      [
        [
          at("type"),
          '"cx99" is not a server type by the price list of September 2026 that comes with Berth; what fits: cx23 in fsn1 at 5.49 EUR, cx33 in fsn1 at 8.49 EUR, cx43 in fsn1 at 15.99 EUR, cpx22 in fsn1 at 19.49 EUR, cx53 in fsn1 at 29.49 EUR',
          "cx23",
        ],
      ],
    ],
    [
      "for a location that is none",
      withServer({ location: "mars" }),
      {},
      [
        [
          at("location"),
          '"mars" is not a location; there are fsn1 (eu-central), nbg1 (eu-central), hel1 (eu-central), ash (us-east), hil (us-west), sin (ap-southeast)',
          "fsn1",
        ],
      ],
    ],
    [
      "for a type that is not sold there",
      withServer({ location: "ash" }),
      {},
      [
        [
          at("location"),
          "cx23 is not sold in ash; it is in fsn1 at 5.49 EUR, nbg1 at 5.49 EUR, hel1 at 5.49 EUR; what else fits: ccx13 in ash (price unknown), ccx23 in ash (price unknown), ccx33 in ash (price unknown), ccx43 in ash (price unknown), ccx53 in ash (price unknown)",
          "fsn1",
        ],
      ],
    ],
    [
      "for a type that is sold out there, with what fits, the cheapest first",
      withServer(),
      { catalogue: soldOut },
      [
        [
          at("type"),
          "cx23 is sold out in fsn1 for now; it is in nbg1 at 5.49 EUR, hel1 at 5.49 EUR; what else fits: cx33 in fsn1 at 8.49 EUR, cx43 in fsn1 at 15.99 EUR, cpx22 in fsn1 at 19.49 EUR, cx53 in fsn1 at 29.49 EUR, cpx32 in fsn1 at 35.49 EUR",
          "cx33",
        ],
      ],
    ],
    [
      "for a type whose time is over",
      withServer(),
      { catalogue: ended },
      [
        [
          at("type"),
          expect.stringMatching(
            /^cx23 is not sold any more in fsn1; cx23 is sold nowhere; what else fits: cx33 /,
          ) as never,
          "cx33",
        ],
      ],
    ],
    [
      "for another architecture",
      withHost({ system: "pi" }),
      {},
      [
        [
          at("type"),
          "cx23 is x86_64-linux, but the flake's berth.hosts.pi is for aarch64-linux; what fits: cax11 in fsn1 at 5.99 EUR, cax21 in fsn1 (price unknown), cax31 in fsn1 (price unknown), cax41 in fsn1 (price unknown)",
          "cax11",
        ],
      ],
    ],
    [
      "for too small a disk and too little memory, both told",
      withServer(),
      { manifest: flake({ requires: { disk: 100, memory: 6 } }) },
      [
        [
          at("type"),
          expect.stringMatching(
            /^cx23 has a disk of 40 GB, but the flake's berth\.hosts\.web\.requires\.disk is 100; what fits: cx43 /,
          ) as never,
          "cx43",
        ],
        [
          at("type"),
          expect.stringMatching(
            /^cx23 has 4 GB of memory, but the flake's berth\.hosts\.web\.requires\.memory is 6; what fits: cx43 /,
          ) as never,
          "cx43",
        ],
      ],
    ],
    [
      "for more than anybody sells",
      withServer(),
      { manifest: flake({ requires: { disk: null, memory: 2000 } }) },
      [
        [
          at("type"),
          "cx23 has 4 GB of memory, but the flake's berth.hosts.web.requires.memory is 2000; what fits: nothing",
        ],
      ],
    ],
    [
      "for an image that is none",
      withServer({ image: "debian-99" }),
      {},
      [
        [
          at("image"),
          expect.stringMatching(
            /^"debian-99" is not an image for x86_64-linux; there are debian-12, debian-13, /,
          ) as never,
          "debian-13",
        ],
      ],
    ],
    [
      "for an image that the architecture lacks",
      withHost({ system: "pi", server: { type: "cax11", location: "fsn1" } }),
      {
        catalogue: {
          ...datedCatalogue,
          images: datedCatalogue.images.filter(
            ({ name, architecture }) => name !== "debian-13" || architecture === "x86_64-linux",
          ),
        },
      },
      [
        [
          at("image"),
          expect.stringMatching(
            /^"debian-13" is not an image for aarch64-linux; there are debian-12, /,
          ) as never,
          "debian-12",
        ],
      ],
    ],
    [
      "for an image that is deprecated for more than three months",
      withServer({ image: "fedora-41" }),
      {},
      [
        [
          at("image"),
          expect.stringMatching(
            /^fedora-41 is deprecated since 2026-02-05 and cannot be ordered any more; /,
          ) as never,
          "debian-13",
        ],
      ],
    ],
    [
      "for a disk that would have to shrink",
      withServer(),
      { running: running([runningServer({ type: "cx33", disk: 80 })]) },
      [
        [
          at("type"),
          expect.stringMatching(
            /^the server prod-web1 has a disk of 80 GB, which cannot shrink to the 40 GB of cx23; what fits: cx33 in fsn1 .*\. Or name a new host and delete this one$/,
          ) as never,
          "cx33",
        ],
      ],
    ],
    [
      "for another architecture than the server's",
      withHost({ system: "pi", server: { type: "cax11", location: "fsn1" } }),
      { running: running([runningServer()]) },
      [
        [
          at("type"),
          expect.stringMatching(
            /^the server prod-web1 is x86_64-linux and cannot become cax11, which is aarch64-linux; /,
          ) as never,
          "cax11",
        ],
      ],
    ],
  ])("%s", (_, raw, input, problems) => {
    expect(
      refusals(raw, input).map(({ path, message, example }) => [
        path,
        message,
        ...(example === undefined ? [] : [example]),
      ]),
    ).toEqual(problems);
  });
});

describe("a server is planned", () => {
  test.each<[string, Raw, Partial<PlanInput>, string[]]>([
    ["where it is sold", withServer(), {}, []],
    [
      "though it is sold out, when it runs already",
      withServer(),
      { catalogue: soldOut, running: running([runningServer()]) },
      [],
    ],
    [
      "though its type and its image are long gone, when it runs with them",
      withServer({ type: "cx11", image: "debian-9" }),
      { running: running([runningServer({ type: "cx11", disk: 20 })]) },
      [],
    ],
    [
      "with a note, while its type is still sold",
      withServer(),
      { catalogue: withOffers("cx23", { fsn1: { endsAt: "2026-12-31T00:00:00Z" } }) },
      [
        "web1: cx23 in fsn1 is sold until 2026-12-31; what fits after: cx33 in fsn1 at 8.49 EUR, cx43 in fsn1 at 15.99 EUR, cpx22 in fsn1 at 19.49 EUR, cx53 in fsn1 at 29.49 EUR, cpx32 in fsn1 at 35.49 EUR",
      ],
    ],
    [
      "with a note, when its image is deprecated for less than three months",
      withServer({ image: "debian-12" }),
      { catalogue: image("debian-12", "2026-09-01T00:00:00Z") },
      ["web1: the image debian-12 is deprecated since 2026-09-01"],
    ],
    [
      "elsewhere with a note that its architecture is checked later",
      withHost(existing),
      {},
      [
        "web1: whether 198.51.100.7 is x86_64-linux, as berth.hosts.web needs, is checked by the installation",
      ],
    ],
  ])("%s", (_, raw, input, notes) => {
    expect(plan(raw, input).notes).toEqual(notes);
  });

  test("for every type where it is sold, and nowhere else", () => {
    for (const { name, architecture, disk, locations } of datedCatalogue.serverTypes) {
      for (const { name: location } of datedCatalogue.locations) {
        const raw = withHost({
          system: architecture === "x86_64-linux" ? "web" : "pi",
          server: { type: name, location },
        });
        expect(disk).toBeGreaterThan(0);
        if (location in locations) expect(plan(raw).hosts).toHaveLength(1);
        else expect(refusals(raw)[0]?.message).toContain(`${name} is not sold in ${location}`);
      }
    }
  });
});
