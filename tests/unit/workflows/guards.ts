// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are the workflows' own expressions.
/** Each rule with a guard taken away from a file that it holds of: it has to notice. */
export const taken: [folder: string, file: string, rule: string, guard: string | RegExp, instead: string][] =
  [
    ...[".github/workflows", ".forgejo/workflows"].flatMap((folder): typeof taken => [
      [
        folder,
        "preview.yml",
        "runs with no rights of the branch that a pull request goes to",
        "on:\n  pull_request:",
        "on:\n  pull_request_target:",
      ],
      [
        folder,
        "deploy.yml",
        "runs with no rights of the branch that a pull request goes to",
        "permissions:\n  contents: read",
        "permissions:\n  contents: write",
      ],
      [
        folder,
        "drift.yml",
        "puts nothing that a pull request says into a command line",
        '-s "$STACK"',
        "-s ${{ matrix.stack }}",
      ],
      [
        folder,
        "deploy.yml",
        "gives a secret to single steps, never to a whole job or workflow",
        "\nenv:\n",
        "\nenv:\n  P: ${{ secrets.P }}\n",
      ],
      [
        folder,
        "deploy.yml",
        "gives a secret to single steps, never to a whole job or workflow",
        /\n {4}steps:\n/,
        "\n    env:\n      P: ${{ secrets.P }}\n    steps:\n",
      ],
      [
        folder,
        "deploy.yml",
        "deploys nothing but what was reviewed, one update at a time, and cancels none",
        '--expect "$CHANGES"',
        "",
      ],
      [
        folder,
        "deploy.yml",
        "deploys nothing but what was reviewed, one update at a time, and cancels none",
        '--expect "$CHANGES"',
        '--expect "$ANY"',
      ],
      [
        folder,
        "deploy.yml",
        "deploys nothing but what was reviewed, one update at a time, and cancels none",
        'reviewed --commit "$GITHUB_SHA"',
        "hosts",
      ],
      [
        folder,
        "deploy.yml",
        "deploys nothing but what was reviewed, one update at a time, and cancels none",
        "steps.reviewed.outputs.changes",
        "inputs.changes",
      ],
      [
        folder,
        "deploy.yml",
        "deploys nothing but what was reviewed, one update at a time, and cancels none",
        "cancel-in-progress: false",
        "cancel-in-progress: true",
      ],
      [
        folder,
        "deploy.yml",
        "deploys nothing but what was reviewed, one update at a time, and cancels none",
        "    if: github.ref == 'refs/heads/main'\n",
        "",
      ],
    ]),
    [
      ".github/workflows",
      "preview.yml",
      "evaluates a pull request without any secret",
      "run: npm ci\n",
      "run: npm ci\n        env:\n          P: ${{ secrets.P }}\n",
    ],
    [
      ".forgejo/workflows",
      "preview.yml",
      "evaluates a pull request without any secret",
      "COMMIT: ${{ github.event",
      "P: ${{ secrets.P }}\n          COMMIT: ${{ github.event",
    ],
    [
      ".github/workflows",
      "preview.yml",
      "takes each action at a commit, and leaves no login behind for what runs afterwards",
      /@[0-9a-f]{40}/,
      "@v7",
    ],
    [
      ".github/workflows",
      "drift.yml",
      "takes each action at a commit, and leaves no login behind for what runs afterwards",
      "persist-credentials: false",
      "persist-credentials: true",
    ],
    ...[
      ["preview.yml", "    environment: preview-${{ matrix.stack }}\n", ""],
      ["preview.yml", "environment: preview-", "environment: drift-"],
      ["preview.yml", "ref: ${{ github.event.pull_request.head.sha }}", "ref: ${{ github.ref }}"],
      [
        "preview.yml",
        "if: github.event.pull_request.head.repo.full_name == github.repository",
        "if: always()",
      ],
      ["deploy.yml", "    environment: deploy-${{ matrix.stack }}\n", ""],
      ["deploy.yml", "ref: ${{ github.sha }}", "ref: next"],
      ["drift.yml", "    if: github.ref == 'refs/heads/main'\n", ""],
      ["drift.yml", "    environment: drift-${{ matrix.stack }}\n", ""],
    ].map(([file = "", guard = "", instead = ""]): (typeof taken)[number] => [
      ".github/workflows",
      file,
      "gives a secret only to jobs of an environment that fits what they run",
      guard,
      instead,
    ]),
    ...[
      [
        "preview.yml",
        "ref: ${{ github.event.pull_request.base.sha }}",
        "ref: ${{ github.event.pull_request.head.sha }}",
      ],
      ["preview.yml", "BERTH_FORGE_TOKEN: ${{ github.token }}", "BERTH_FORGE_TOKEN: ${{ secrets.P }}"],
      ["drift.yml", /ref: \$\{\{ github\.sha \}\}(?![\s\S]*ref: )/, "ref: next"],
    ].map(([file, guard = "", instead]): (typeof taken)[number] => [
      ".github/workflows",
      String(file),
      "writes only from jobs that run nothing of a pull request and know no secret",
      guard,
      String(instead),
    ]),
    ...[
      ["preview.yml", "if: github.event_name == 'workflow_dispatch' && ", "if: "],
      [
        "preview.yml",
        "if: github.event_name == 'workflow_dispatch' && github.ref == 'refs/heads/main'",
        "if: github.event_name == 'workflow_dispatch'",
      ],
      ["deploy.yml", "    if: github.ref == 'refs/heads/main'\n", ""],
      ["drift.yml", "    if: github.ref == 'refs/heads/main'\n", ""],
    ].map(([file = "", guard = "", instead = ""]): (typeof taken)[number] => [
      ".forgejo/workflows",
      file,
      "gives a secret only to jobs that are run from main, and never to a pull request's own run",
      guard,
      instead,
    ]),
    ...[
      ["preview.yml", /\n *grep --extended-regexp.*/, ""],
      ["preview.yml", "COMMIT: ${{ inputs.commit }}", "COMMIT: refs/pull/7/head"],
    ].map(([file, guard = "", instead]): (typeof taken)[number] => [
      ".forgejo/workflows",
      String(file),
      "runs of a pull request only the one commit that was named",
      guard,
      String(instead),
    ]),
    [
      ".forgejo/workflows",
      "preview.yml",
      "gives the forge's token of its own only to jobs that run main",
      "secrets.HCLOUD_READ_TOKEN",
      "secrets.BERTH_FORGE_TOKEN",
    ],
  ];

/** Likewise of GitLab's. */
export const gone: [rule: string, guard: string | RegExp, instead: string][] = [
  ["takes nothing in from elsewhere", "stages:", "include: https://example.org/ci.yml\nstages:"],
  [
    "runs for merge requests and for main, and for nothing else",
    '$CI_COMMIT_BRANCH == "main" && $CI_PIPELINE_SOURCE == "push"',
    '$CI_PIPELINE_SOURCE == "push"',
  ],
  [
    "gives a merge request's own pipeline no environment, and so no secret",
    "evaluate:\n  stage: evaluate\n",
    "evaluate:\n  stage: evaluate\n  environment:\n    name: preview/$STACK\n",
  ],
  [
    "gives a merge request's own pipeline no environment, and so no secret",
    /(?<=\.preview-rules:\n {2}rules:\n {4}- if: )\$CI_COMMIT_BRANCH == "main" && /,
    "",
  ],
  [
    "gives a merge request's own pipeline no environment, and so no secret",
    '  rules:\n    - if: $CI_PIPELINE_SOURCE == "merge_request_event"\n  script',
    "  script",
  ],
  ["has a person name the one commit that is run with secrets", /\n *- grep --extended-regexp.*/, ""],
  ["has a person name the one commit that is run with secrets", " && $COMMIT && $MERGE_REQUEST", ""],
  [
    "has a person name the one commit that is run with secrets",
    "name: preview/$STACK",
    "name: deploy/$STACK",
  ],
  [
    "writes to the forge only from jobs that run main and know no other secret",
    "name: forge",
    "name: deploy/$STACK",
  ],
  [
    "writes to the forge only from jobs that run main and know no other secret",
    /(?<=needs: \[preview\]\n {2}script:\n)/,
    '    - git checkout "$COMMIT"\n',
  ],
  ["keeps what was found from everybody who may not read the code", "    access: developer\n", ""],
  ["has no secret in the file", "variables:\n", "variables:\n  HCLOUD_TOKEN: x\n"],
  [
    "deploys nothing but what was reviewed, when somebody says so, one update at a time",
    ' --expect "$changes"',
    "",
  ],
  [
    "deploys nothing but what was reviewed, when somebody says so, one update at a time",
    "needs: [reviewed]",
    "needs: []",
  ],
  [
    "deploys nothing but what was reviewed, when somebody says so, one update at a time",
    'reviewed --commit "$CI_COMMIT_SHA"',
    "hosts",
  ],
  [
    "deploys nothing but what was reviewed, when somebody says so, one update at a time",
    "when: manual",
    "when: always",
  ],
  [
    "deploys nothing but what was reviewed, when somebody says so, one update at a time",
    "resource_group: deploy-$STACK",
    "resource_group: $CI_PIPELINE_ID",
  ],
  [
    "deploys nothing but what was reviewed, when somebody says so, one update at a time",
    "interruptible: false",
    "interruptible: true",
  ],
];
