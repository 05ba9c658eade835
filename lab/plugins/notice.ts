/** The line that tells, once per preview and update, that a plugin is not the real one. */
export function standInNotice(name: string, version: string): string {
  return `The lab's stand-in plays the provider plugin ${name} ${version}. A real one on PATH or in the plugin cache is preferred.`;
}

/** The error for something only the real plugin has. */
export function standInRefusal(name: string, what: string): string {
  return `the lab's stand-in for ${name} does not have ${what}; install the real plugin`;
}
