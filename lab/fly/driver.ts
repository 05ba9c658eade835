/** What runs machines for the simulator: in memory, or on an engine of containers. */
export interface GuestDriver {
  /** Milliseconds between two looks at a process. @default 250 */
  readonly lookEvery?: number;
  /** What an image's reference stands for; undefined where there is none. */
  resolve(image: string): Promise<ImageFacts | undefined>;
  /** Start a machine anew. Ends when its process is there; whether it listens is another matter. */
  start(id: string, guest: Guest): Promise<void>;
  /** End its process; what it is answering just then is lost. */
  stop(id: string): Promise<void>;
  remove(id: string): Promise<void>;
  /** Whether its process is there, and how it ended where it is not. */
  state(id: string): Promise<{ running: true } | { running: false; exitCode: number }>;
  /** One request of HTTP. Throws where nobody listens, or the answer is lost. */
  ask(id: string, request: GuestRequest): Promise<GuestAnswer>;
  /** Whether somebody listens. */
  connects(id: string, port: number): Promise<boolean>;
}

export interface ImageFacts {
  registry: string;
  repository: string;
  digest: string;
}

/** What a machine runs. */
export interface Guest {
  image: string;
  env: Record<string, string>;
  /** The image's own when empty. */
  command: readonly string[];
  /** Those that its services and checks ask. */
  ports: readonly number[];
}

export interface GuestRequest {
  port: number;
  method: string;
  path: string;
  headers: Record<string, string>;
}

export interface GuestAnswer {
  status: number;
  body: string;
  /** The content's. */
  type?: string;
}
