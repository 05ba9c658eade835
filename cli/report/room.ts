/** Letters for which the stylesheet says how wide a box has to be to show them. */
const rooms = [4, 6, 8, 10, 12, 15, 18, 22, 26, 30, 40];

/** The class of a text that is shown where its box has room for all of it. What is longer than any is never. Pure. */
export function roomFor(...lines: readonly string[]): string {
  const letters = Math.max(...lines.map((line) => line.length));
  const room = rooms.find((one) => one >= letters);
  return room === undefined ? "fits" : `fits n${room}`;
}
