/** Pages are plain HTML: nothing to hydrate, and no scripts whose names change with each release. */
export const csr = false;
