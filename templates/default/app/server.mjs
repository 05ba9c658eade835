// Answers on the socket that systemd passes (LISTEN_FDS), or on PORT where there is none.
import { createServer } from "node:http";

const server = createServer((request, response) => {
  if (request.url === "/healthz") {
    response.setHeader("content-type", "application/json");
    response.setHeader("cache-control", "no-store");
    response.end(JSON.stringify({ ok: true, release: process.env.APP_RELEASE ?? "unreleased" }));
    return;
  }
  response.setHeader("content-type", "text/plain; charset=utf-8");
  response.end("Ahoy!\n");
});

server.listen(process.env.LISTEN_FDS ? { fd: 3 } : { host: "127.0.0.1", port: process.env.PORT ?? 3000 });

// What is open is answered before this ends.
process.on("SIGTERM", () => server.close());
