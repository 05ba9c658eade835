// Pulumi compiles the TypeScript of a pack's entry itself, by other rules than this project's; behind JavaScript, Node strips the types.
import "./pack.ts";
