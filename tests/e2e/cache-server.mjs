/** A binary cache on a machine of the lab: a folder behind HTTP, as nginx with WebDAV is. Arguments: port, folder. Logs each request. */
import { createReadStream, createWriteStream, existsSync, mkdirSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { dirname, join, normalize } from "node:path";
import { pipeline } from "node:stream/promises";

const [port, folder = ""] = process.argv.slice(2);

createServer(async (request, response) => {
  const path = join(folder, normalize(new URL(request.url ?? "/", "http://cache").pathname));
  console.log(`${request.method} ${path.slice(folder.length)}`);
  if (request.method === "PUT") {
    mkdirSync(dirname(path), { recursive: true });
    await pipeline(request, createWriteStream(path));
    response.writeHead(201).end();
  } else if (!existsSync(path)) {
    response.writeHead(404).end();
  } else {
    response.writeHead(200, { "content-length": statSync(path).size });
    if (request.method === "HEAD") response.end();
    else await pipeline(createReadStream(path), response);
  }
}).listen(Number(port), "0.0.0.0");
