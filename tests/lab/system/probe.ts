import http from "node:http";

export interface ProbeResult {
  requests: number;
  /** What went wrong, one entry a request. */
  failures: string[];
  /** Releases that answered, in the order they were first seen. */
  releases: string[];
}

function request(host: string, agent: http.Agent | false): Promise<string> {
  return new Promise((resolve, reject) => {
    const get = http.get({ host, path: "/healthz", agent, timeout: 20_000 }, (response) => {
      let body = "";
      response.on("data", (chunk: Buffer) => (body += chunk));
      response.on("error", reject);
      response.on("end", () => {
        if (response.statusCode === 200) resolve((JSON.parse(body) as { release: string }).release);
        else reject(new Error(`status ${response.statusCode}`));
      });
    });
    get.on("timeout", () => get.destroy(new Error("no answer within 20 s")));
    get.on("error", reject);
  });
}

/**
 * Asks a host for its health without a pause, half of it over kept connections, until `during` is over.
 * Each loop asks once more after that.
 */
export async function probeDuring<T>(host: string, during: () => Promise<T>): Promise<[T, ProbeResult]> {
  const result: ProbeResult = { requests: 0, failures: [], releases: [] };
  const kept = new http.Agent({ keepAlive: true });
  let over = false;
  const loop = async (agent: http.Agent | false) => {
    for (let last = false; !last; ) {
      last = over;
      result.requests += 1;
      await request(host, agent).then(
        (release) => {
          if (!result.releases.includes(release)) result.releases.push(release);
        },
        (error: Error) => result.failures.push(error.message),
      );
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };
  const loops = [kept, kept, false, false].map((agent) => loop(agent as http.Agent | false));
  try {
    return [await during(), result];
  } finally {
    over = true;
    await Promise.all(loops);
    kept.destroy();
  }
}
