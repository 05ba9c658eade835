import type { Properties } from "../../../provider/framework/types.ts";
import { frameworkWords } from "./errors.ts";
import { labelFailures } from "./framework-check.ts";
import type { CloudResource } from "./resource.ts";
import { tolerating } from "./retry.ts";
import { same } from "./schema.ts";

interface SshKey {
  id: number;
  name: string;
  fingerprint: string;
  public_key: string;
  labels: Record<string, string>;
}

/** `hcloud:index/sshKey:SshKey`. */
export const sshKey: CloudResource = {
  half: "framework",
  words: frameworkWords,
  attributes: {
    name: { kind: "text" },
    publicKey: { kind: "text", required: true, replaces: true },
    labels: { kind: "labels", unset: {} },
    fingerprint: { kind: "text", output: true },
  },
  validate: (inputs, call) => labelFailures(inputs, call.name),

  async create({ api, wanted, signal }, exists) {
    const { name, publicKey, labels } = wanted;
    const answer = await api.post("/ssh_keys", { name, public_key: publicKey, labels }, signal);
    const key = answer.ssh_key as SshKey;
    exists(String(key.id));
    return stateOf(key);
  },

  async read(id, _old, { api, signal }) {
    const answer = await api.find(`/ssh_keys/${id}`, signal);
    return answer && stateOf(answer.ssh_key as SshKey);
  },

  async update(id, old, { api, wanted, signal }) {
    const body: Properties = {};
    if (wanted.name !== old.name) body.name = wanted.name;
    if (!same({ kind: "labels" }, old.labels, wanted.labels)) body.labels = wanted.labels;
    const answer = await api.put(`/ssh_keys/${id}`, body, signal);
    return stateOf(answer.ssh_key as SshKey);
  },

  async delete(id, _old, { api, signal }) {
    await tolerating(["not_found"], () => api.delete(`/ssh_keys/${id}`, signal));
  },
};

function stateOf(key: SshKey): Properties {
  return { name: key.name, publicKey: key.public_key, labels: key.labels, fingerprint: key.fingerprint };
}
