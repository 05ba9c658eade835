/** The caller asked for something that cannot be. */
export class BadRequest extends Error {}
