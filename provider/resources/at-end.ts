const works: (() => Promise<void>)[] = [];

/** Has something done when the provider ends. */
export const atEnd = (work: () => Promise<void>): void => void works.push(work);

/** The provider ends: everything is tried, and the first failure thrown. */
export async function end(): Promise<void> {
  await Promise.all(works.map((work) => work()));
}
