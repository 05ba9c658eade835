/** Before a plain `npm pack` or `npm publish`, and before an installation from a git address. */
process.stderr.write(
  "berth: the checkout is TypeScript, which Node does not read under node_modules. Next: npm run package makes a package that works, and tells where it is.\n",
);
process.exitCode = 1;
