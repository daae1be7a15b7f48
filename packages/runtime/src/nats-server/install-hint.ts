import { readFile } from "node:fs/promises";

const OTHERWISE =
  "Otherwise set BERTH_NATS_SERVER to a nats-server program, or BERTH_NATS_URL and BERTH_NATS_SHA256 to a release archive and its published checksum.";

/** The commands that bring a nats-server onto this kind of system. */
export async function describeInstallation(): Promise<string> {
  const release = await readFile("/etc/os-release", "utf8").catch(() => "");
  return `${installationCommand(process.platform, release)} ${OTHERWISE}`;
}

/** `osRelease` is the text of /etc/os-release, empty where there is none. */
export function installationCommand(platform: NodeJS.Platform, osRelease: string): string {
  if (platform === "darwin") return "On macOS: brew install nats-server.";
  if (platform === "win32") {
    return "Berth's agent needs Linux or macOS; on Windows run it inside WSL, where: sudo apt-get install nats-server.";
  }
  const ids = [...osRelease.matchAll(/^(?:ID|ID_LIKE)=(.*)$/gm)].flatMap(([, value = ""]) =>
    value.replaceAll('"', "").split(" "),
  );
  const has = (...names: string[]) => names.some((name) => ids.includes(name));
  if (has("debian", "ubuntu")) {
    return "On Debian and Ubuntu: sudo apt-get update && sudo apt-get install nats-server.";
  }
  if (has("fedora", "rhel", "centos", "suse", "opensuse")) {
    return "On this system: install the nats-server .rpm of a release of github.com/nats-io/nats-server with 'sudo rpm -i'.";
  }
  if (has("arch")) return "On Arch: sudo pacman -S nats-server.";
  if (has("alpine")) return "On Alpine: sudo apk add nats-server (repository community).";
  if (platform === "freebsd") return "On FreeBSD: sudo pkg install nats-server.";
  return "Install nats-server from a release of github.com/nats-io/nats-server into a folder on PATH.";
}
