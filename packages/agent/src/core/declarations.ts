import {
  BerthError,
  DEVICE_NAME,
  DEVICE_NAME_HELP,
  type DeviceCounts,
  DEVICES_MAX,
  type Taint,
} from "@berth/protocol";

/** What an operator declares of a node on the command line; throws `invalid` for what is not that. */

const KEY_LENGTH_MAX = 63;

export function parsePool(text: string): string {
  if (text !== "" && text.length <= KEY_LENGTH_MAX) return text;
  throw new BerthError("invalid", `--pool takes a name of 1 to ${KEY_LENGTH_MAX} characters`);
}

/** `key` or `key=reason`; of a key given twice the last one counts. */
export function parseTaints(texts: readonly string[] = []): Taint[] {
  const taints = new Map<string, Taint>();
  for (const text of texts) {
    const [, key = "", reason = ""] = /^([^=]*)=?(.*)$/s.exec(text) ?? [];
    if (key === "" || key === "*" || key.length > KEY_LENGTH_MAX) {
      throw new BerthError("invalid", `--taint takes KEY or KEY=reason, not '${text}'`);
    }
    taints.set(key, { key, reason: reason === "" ? null : reason });
  }
  return [...taints.values()];
}

/** `eth0=10000`: what an interface carries, in Mbit/s. */
export function parseInterfaceSpeeds(texts: readonly string[] = []): Record<string, number> {
  const speeds = texts.map((text) => {
    const [, name = "", digits = ""] = /^([^=/\s]+)=([1-9]\d{0,7})$/.exec(text) ?? [];
    if (name !== "") return [name, Number(digits)] as const;
    throw new BerthError(
      "invalid",
      `--interface-mbps takes NAME=MBPS, such as eth0=10000, not '${text}'`,
    );
  });
  return Object.fromEntries(speeds);
}

/** `name=count`. */
export function parseDevices(texts: readonly string[] = []): DeviceCounts {
  const devices = texts.map((text) => {
    const [, name = "", digits = ""] = /^([^=]*)=(\d{1,7})$/.exec(text) ?? [];
    const count = Number(digits);
    if (!DEVICE_NAME.test(name) || digits === "" || count > DEVICES_MAX) {
      throw new BerthError("invalid", `--device takes NAME=COUNT, such as fpga=2, not '${text}'`, {
        hint: `A name has ${DEVICE_NAME_HELP}.`,
      });
    }
    return [name, count] as const;
  });
  return Object.fromEntries(devices);
}
