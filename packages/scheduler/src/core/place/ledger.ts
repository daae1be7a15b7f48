import type { Grant, NodeId } from "@berth/protocol";
import type { NodeRecord } from "../state/cluster-state.ts";
import {
  addGrant,
  copyUsage,
  type NodeUsage,
  subtractGrant,
  type UsageAccount,
} from "../state/node-usage.ts";

export type { NodeUsage } from "../state/node-usage.ts";

/**
 * The nodes as they will be once a pass's decisions are applied: the state's own records, and a
 * private copy of those the pass has touched. The state stays as it is.
 */
export class Ledger {
  private readonly accounts = new Map<NodeId, UsageAccount>();
  /** A node for each change, in order: who follows the ledger reads on from where it was. */
  readonly changes: NodeId[] = [];

  usageOf(node: NodeRecord): NodeUsage {
    return this.accounts.get(node.id) ?? node.usage;
  }

  take(node: NodeRecord, grant: Grant): void {
    addGrant(this.accountOf(node), grant);
    this.changes.push(node.id);
  }

  release(node: NodeRecord, grant: Grant): void {
    subtractGrant(this.accountOf(node), grant);
    this.changes.push(node.id);
  }

  private accountOf(node: NodeRecord): UsageAccount {
    const known = this.accounts.get(node.id);
    if (known) return known;
    const account = copyUsage(node.usage);
    this.accounts.set(node.id, account);
    return account;
  }
}
