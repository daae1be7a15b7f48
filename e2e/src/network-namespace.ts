import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";

/** A range for tests of networks (RFC 2544): no host that matters is in it. */
const RANGE = "198.18";
const SUBNETS = 250 * 60;
let namespaces = 0;

/** Whether this machine lets us make network namespaces. Leaves none behind. */
export async function canMakeNamespaces(): Promise<boolean> {
  try {
    const namespace = NetworkNamespace.create();
    await namespace.destroy();
    return true;
  } catch {
    return false;
  }
}

/**
 * A network of its own, with a cable to this host that can be cut: what is sent then is lost without
 * a word, as in a real partition. Nothing else of the host is in reach from there, and loopback is
 * another one.
 */
export class NetworkNamespace {
  /** Of this host, as seen from the namespace. */
  readonly hostAddress: string;
  readonly #name: string;
  readonly #cable: string;
  readonly #children = new Set<ChildProcess>();
  readonly #relays: Server[] = [];
  readonly #sockets = new Set<Socket>();

  private constructor(number: number) {
    const subnet = (process.pid * 61 + number) % SUBNETS;
    const [third, fourth] = [Math.floor(subnet / 60), (subnet % 60) * 4];
    this.hostAddress = `${RANGE}.${third}.${fourth + 1}`;
    this.#name = `berth-e2e-${process.pid}-${number}`;
    this.#cable = `bt${process.pid}n${number}`;
    const inside = `${RANGE}.${third}.${fourth + 2}`;
    const end = `${this.#cable}x`;
    ip("netns", "add", this.#name);
    try {
      ip("link", "add", this.#cable, "type", "veth", "peer", "name", end, "netns", this.#name);
      ip("addr", "add", `${this.hostAddress}/30`, "dev", this.#cable);
      ip("link", "set", this.#cable, "up");
      ip("-n", this.#name, "addr", "add", `${inside}/30`, "dev", end);
      ip("-n", this.#name, "link", "set", end, "up");
      ip("-n", this.#name, "link", "set", "lo", "up");
    } catch (error) {
      ip("netns", "delete", this.#name);
      throw error;
    }
  }

  /** Throws where this process may not. */
  static create(): NetworkNamespace {
    namespaces += 1;
    return new NetworkNamespace(namespaces);
  }

  /** Runs a program in this network; everything else around it stays as it is. */
  spawn(program: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcess {
    const network = `--net=/run/netns/${this.#name}`;
    const child = spawn("nsenter", [network, program, ...args], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...env },
    });
    child.stdout.resume();
    child.stderr.resume();
    this.#children.add(child);
    child.once("exit", () => this.#children.delete(child));
    return child;
  }

  /** Makes a port of the host's loopback reachable from here, under the host's address. */
  async relay(port: number): Promise<void> {
    const server = createServer((near) => {
      const far = connect({ host: "127.0.0.1", port });
      for (const socket of [near, far]) {
        this.#sockets.add(socket);
        socket.on("error", () => socket.destroy());
        socket.once("close", () => this.#sockets.delete(socket));
      }
      near.pipe(far).pipe(near);
      near.once("close", () => far.destroy());
      far.once("close", () => near.destroy());
    });
    this.#relays.push(server);
    server.listen(port, this.hostAddress);
    await once(server, "listening");
  }

  cut(): void {
    ip("link", "set", this.#cable, "down");
  }

  heal(): void {
    ip("link", "set", this.#cable, "up");
  }

  /** Ends what was started in here, and removes all of it. */
  async destroy(): Promise<void> {
    const children = [...this.#children];
    const ends = children.map((child) => once(child, "exit"));
    for (const child of children) child.kill("SIGKILL");
    await Promise.all(ends);
    for (const relay of this.#relays) relay.close();
    for (const socket of this.#sockets) socket.destroy();
    ip("link", "delete", this.#cable);
    ip("netns", "delete", this.#name);
  }
}

function ip(...args: string[]): void {
  execFileSync("ip", args, { stdio: "pipe" });
}
