/** A page of the site: its title in the navigation and its place in the repository. */
export interface Entry {
  text: string;
  /** Relative to the repository, such as "docs/apps.md". */
  page: string;
}

/** Pages of one kind. */
export interface Group {
  text: string;
  pages: readonly Entry[];
}

const docs = (pages: Record<string, string>): Entry[] =>
  Object.entries(pages).map(([name, text]) => ({ text, page: `docs/${name}.md` }));

/** All pages below `docs/`, each once, by what they are for. */
export const navigation: readonly Group[] = [
  {
    text: "Tutorial",
    pages: docs({ "getting-started": "From an empty folder", tutorial: "From a clone to a host" }),
  },
  {
    text: "How to",
    pages: docs({
      hosts: "Hosts and images",
      apps: "Apps",
      webapp: "Web apps",
      deploying: "Deploy and roll back",
      reports: "Reports of updates",
      "status-page": "A page that stays up to date",
      "pull-requests": "Pull requests",
      policy: "Rules for production",
      secrets: "Secrets",
      "disk-layouts": "Disk layouts",
      containers: "Containers with Docker",
      fly: "Fly.io",
      stacks: "Stacks and their state",
      rescue: "A host that does not come up",
      disasters: "Bad days",
    }),
  },
  {
    text: "Reference",
    pages: docs({
      configuration: "Configuration",
      commands: "The command berth",
      "reference/components": "Components",
      "changing-what-runs": "Changing what runs",
      installation: "Installation",
      "closure-sizes": "Closure sizes",
      lab: "The lab",
      package: "The npm package",
    }),
  },
  {
    text: "Explanation",
    pages: docs({
      architecture: "Architecture",
      releases: "Releases",
      building: "Building",
      "host-identity": "Host identity",
      security: "Security model",
      comparison: "Beside other tools",
    }),
  },
];
