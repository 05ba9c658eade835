import type { Problem } from "../problems.ts";
import { type Context, hostPath, type MatchedHost, manifestPath } from "./context.ts";
import { listed, orderOf } from "./secrets.ts";

/** That every encrypted disk has a passphrase which can unlock it, and that no other host names one. Tells names, never a value. */
export const checkEncryption = ({ config, hosts }: Context): Problem[] =>
  hosts.flatMap((host) => [...checkDisk(host, config.secrets), ...checkReboot(host)]);

/** A host that waits for its passphrase cannot show whether it boots, and would count as one that does not. */
function checkReboot({ name, settings, manifest }: MatchedHost): Problem[] {
  if (!manifest.encryption || settings.reboot.when === "told") return [];
  const message =
    "its disk is encrypted, so a reboot ends where the passphrase is asked for: reboot it yourself, then berth unlock";
  return [{ path: `${hostPath(name)}.reboot`, message: `${message} ${name}`, example: "{ when: told }" }];
}

function checkDisk({ name, settings, manifest }: MatchedHost, values: Record<string, string>): Problem[] {
  const path = `${hostPath(name)}.disk`;
  const flake = `the flake's ${manifestPath(settings.system)}.encryption`;
  const { disk } = settings;
  if (!manifest.encryption) {
    if (!disk) return [];
    const message = `${flake} is not there: the disk would not be encrypted; import disk-luks in the flake, or take this out`;
    return [{ path, message }];
  }
  if (!disk) {
    const message = `is missing; ${flake} wants a passphrase for the disk: name the secret here`;
    return [{ path: `${path}.passphrase`, message, example: `${name}-disk` }];
  }
  const secret = disk.passphrase;
  const value = Object.hasOwn(values, secret) ? values[secret] : undefined;
  if (value === undefined) {
    const message = `there is no secret "${secret}" under berth:secrets; there are ${listed(Object.keys(values))}`;
    return [{ path: `${path}.passphrase`, message, example: orderOf(secret) }];
  }
  const fault = passphraseFault(value);
  return fault === undefined
    ? []
    : [{ path: `${path}.passphrase`, message: `the secret "${secret}" ${fault}`, example: orderOf(secret) }];
}

/** Bytes that cryptsetup takes when a person types it at the console, too. */
const passphraseBytes = 512;

/** What is wrong with a passphrase: it is typed, or sent, as one line. The line's end does not count. */
function passphraseFault(value: string): string | undefined {
  const line = value.replace(/\n+$/, "");
  if (line === "") return "is empty";
  if (/[\0\n\r]/.test(line)) return "has several lines, and a locked disk reads one";
  const bytes = Buffer.byteLength(line);
  return bytes > passphraseBytes ? `has ${bytes} bytes, and ${passphraseBytes} is the most` : undefined;
}
