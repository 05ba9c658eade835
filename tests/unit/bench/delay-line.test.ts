import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DelayLine } from "../../../bench/delay-line.ts";

const roundTrip = 80;
let server: Server;
let line: DelayLine;
/** What the server does with a connection. */
let serve: (socket: Socket) => void;

beforeEach(async () => {
  serve = (socket) => socket.pipe(socket);
  server = createServer({ allowHalfOpen: true }, (socket) => serve(socket)).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  line = await DelayLine.open({ address: "127.0.0.1", port }, roundTrip);
});
afterEach(async () => {
  await line.close();
  server.close();
});

const dial = (): Socket => connect({ host: "127.0.0.1", port: line.port, noDelay: true });

/** Send something and wait for so many bytes; resolves to what came and to the milliseconds it took. */
async function exchange(socket: Socket, text: string): Promise<{ answer: string; took: number }> {
  const start = performance.now();
  let answer = "";
  socket.write(text);
  while (answer.length < text.length) answer += String((await once(socket, "data"))[0]);
  return { answer, took: performance.now() - start };
}

describe("a delay line", () => {
  test("takes a round trip to connect and one for each exchange, and counts both", async () => {
    const socket = dial();
    const first = await exchange(socket, "one");
    const second = await exchange(socket, "two");
    socket.destroy();
    expect([first.answer, second.answer]).toEqual(["one", "two"]);
    // A timer may be a millisecond early.
    expect(first.took).toBeGreaterThanOrEqual(2 * roundTrip - 5);
    expect(second.took).toBeGreaterThanOrEqual(roundTrip - 3);
    expect(second.took).toBeLessThan(first.took);
    expect(line.take()).toEqual({ connections: 1, turns: 2, sent: 6 });
    expect(line.take()).toEqual({ connections: 0, turns: 0, sent: 0 });
  });

  test("lets what is sent in one go through in one go: bytes under way do not wait for each other", async () => {
    const socket = dial();
    await exchange(socket, "hello");
    const text = "x".repeat(2_000_000);
    const { answer, took } = await exchange(socket, text);
    socket.destroy();
    expect(answer).toBe(text);
    expect(took).toBeGreaterThanOrEqual(roundTrip - 3);
    expect(line.take().sent).toBe(2_000_005);
  });

  test("hands on an end of either side, after what was sent before it", async () => {
    serve = (socket) => {
      let heard = "";
      socket.on("data", (chunk) => {
        heard += String(chunk);
      });
      socket.on("end", () => socket.end(`heard ${heard}`));
    };
    const socket = dial();
    socket.end("all of it");
    let answer = "";
    for await (const chunk of socket) answer += String(chunk);
    expect(answer).toBe("heard all of it");
  });

  test("breaks the connection when the server is not there", async () => {
    server.close();
    const socket = dial();
    await once(socket, "close");
    expect(socket.bytesRead).toBe(0);
  });
});
