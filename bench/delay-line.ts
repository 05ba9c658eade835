import { createServer, connect as dial, type Server, type Socket } from "node:net";

/** What went through a delay line. */
export interface Passed {
  /** TCP connections. */
  connections: number;
  /** Times that the client spoke after the server had: what a connection waits for, one round trip each. */
  turns: number;
  /** Bytes towards the server. */
  sent: number;
}

/**
 * A hop in user space that lets bytes through late: half the round trip in each direction, order kept, and a whole round trip before a
 * new connection stands, as the kernel's handshake takes on a long way. For kernels without netem.
 */
export class DelayLine {
  readonly #server: Server;
  readonly #open = new Set<Socket>();
  #passed: Passed = { connections: 0, turns: 0, sent: 0 };

  private constructor(to: { address: string; port: number }, roundTrip: number) {
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
      this.#passed.connections += 1;
      this.#track(near);
      near.pause();
      setTimeout(() => {
        const far = dial({ host: to.address, port: to.port, allowHalfOpen: true, noDelay: true });
        this.#track(far);
        let serverSpoke = true;
        late(near, far, roundTrip / 2, (bytes) => {
          if (serverSpoke) this.#passed.turns += 1;
          serverSpoke = false;
          this.#passed.sent += bytes;
        });
        late(
          far,
          near,
          roundTrip / 2,
          () => undefined,
          () => {
            serverSpoke = true;
          },
        );
        near.resume();
      }, roundTrip);
    });
  }

  /** @param roundTrip milliseconds */
  static async open(to: { address: string; port: number }, roundTrip: number): Promise<DelayLine> {
    const line = new DelayLine(to, roundTrip);
    await new Promise<void>((resolve, reject) => {
      line.#server.once("error", reject);
      line.#server.listen(0, "127.0.0.1", resolve);
    });
    return line;
  }

  get port(): number {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("the delay line is closed");
    return address.port;
  }

  /** What has passed since the last time this was asked. */
  take(): Passed {
    const passed = this.#passed;
    this.#passed = { connections: 0, turns: 0, sent: 0 };
    return passed;
  }

  async close(): Promise<void> {
    for (const socket of this.#open) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #track(socket: Socket): void {
    this.#open.add(socket);
    socket.once("close", () => this.#open.delete(socket));
  }
}

/** Bytes under way in one direction before the sender has to wait: more than a fast line holds in a round trip. */
const window = 16 * 1024 * 1024;

/** Forward what comes from one socket to the other after `delay` milliseconds. */
function late(
  from: Socket,
  to: Socket,
  delay: number,
  onData: (bytes: number) => void,
  onArrival: () => void = () => undefined,
): void {
  let underWay = 0;
  from.on("data", (chunk) => {
    onData(chunk.length);
    underWay += chunk.length;
    if (underWay > window) from.pause();
    setTimeout(() => {
      onArrival();
      to.write(chunk, () => {
        underWay -= chunk.length;
        if (underWay <= window) from.resume();
      });
    }, delay);
  });
  from.on("end", () => setTimeout(() => to.end(), delay));
  from.on("error", () => to.destroy());
  from.on("close", () => setTimeout(() => to.destroy(), delay));
}
