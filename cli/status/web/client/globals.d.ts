/** The library's classic script runs before ours. */
declare const Idiomorph: typeof import("idiomorph").Idiomorph;
