/** The one of a name. What a plan names is in it: configuration and plan are checked before anything is made of them. */
export function named<T extends { name: string }>(items: readonly T[], name: string): T {
  const found = items.find((item) => item.name === name);
  if (!found)
    throw new Error(`nothing is named ${name}; there are ${items.map((item) => item.name).join(", ")}`);
  return found;
}
