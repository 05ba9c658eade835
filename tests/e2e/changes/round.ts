import type { StackFile, World } from "./world.ts";

/** A row of the documentation, tried. */
export interface Trial {
  /** The row's first cell. */
  change: string;
  /** The host it is tried on; none where it is no host's. */
  of?: string;
  edit: (stack: StackFile) => void;
  /** What must be so at the cloud or on the host when it is done. */
  holds?: (world: World) => Promise<void>;
}

/** Changes that one preview shows and one update makes, each on something of its own. */
export interface Round {
  name: string;
  /** Done to the cloud before, as a person would. */
  before?: (world: World) => Promise<void>;
  trials: Trial[];
}

/** A change that is refused, without a word or altogether. */
export interface Refusal {
  change: string;
  edit: (stack: StackFile) => void;
  /** The place in the configuration that the error names. */
  path: string;
}

export interface RefusedRound {
  name: string;
  refusals: Refusal[];
}
