import type { ProjectName, WorkloadSpec } from "@berth/protocol";
import type { WorkloadRecord } from "../state/cluster-state.ts";
import { addUse, noUse, type QuotaCount, type QuotaUse, quotaUseOf } from "../state/quota-use.ts";
import { type ProjectNode, type ProjectTree, withAncestors } from "./project-tree.ts";
import { isGuarded, mayReclaim } from "./quota.ts";

/**
 * What the owner of a guarantee may take back: some of what others hold beyond theirs. And what must be
 * left to others, because it is what they are guaranteed.
 */
export interface ReclaimRights {
  /** Whether anything of the workload may be taken back. */
  mayTakeFrom(holder: WorkloadRecord): boolean;
  /** Of those that would be stopped together, in this order, the ones that may be. */
  allowed<Unit extends Reclaimable>(units: readonly Unit[]): Unit[];
  /** They were stopped, and the owner gets one more of what it asked for. */
  take(units: readonly Reclaimable[]): void;
}

/** Allocations of one workload that are stopped together. */
export interface Reclaimable {
  readonly workload: WorkloadRecord;
  readonly victims: { readonly length: number };
  /** False: they are preempted, being less important. */
  readonly isReclaimed: boolean;
}

/** For work that is guaranteed nothing. */
export const NO_RECLAIM: ReclaimRights = {
  mayTakeFrom: () => false,
  allowed: (units) => units.filter(({ isReclaimed }) => !isReclaimed),
  take: () => {},
};

/**
 * The rights of one request of a project, by what all projects use; `ending` do not use it for long.
 */
export function reclaimRights(
  tree: ProjectTree,
  ownerName: ProjectName,
  request: QuotaUse,
  ending: Iterable<WorkloadSpec> = [],
): ReclaimRights {
  const owner = tree.node(ownerName);
  const stopped = new Leaving();
  for (const spec of ending) stopped.add(tree.node(spec.project), quotaUseOf(spec), 1);
  let seats = 0;
  const mayTake = (workload: WorkloadRecord, leaving: Leaving) =>
    mayReclaim(
      owner,
      request,
      tree.node(workload.spec.project),
      quotaUseOf(workload.spec),
      seats + 1,
      (project) => leaving.usedOf(project),
    );
  const mustLeave = ({ spec }: WorkloadRecord, leaving: Leaving) => {
    const usedOf = (project: ProjectNode) => leaving.usedOf(project);
    const usedThen = (project: ProjectNode) => withMore(usedOf(project), request, seats + 1);
    return isGuarded(tree.node(spec.project), quotaUseOf(spec), owner, request, usedOf, usedThen);
  };
  return {
    mayTakeFrom: (workload) => mayTake(workload, stopped),
    allowed(units) {
      const leaving = stopped.copy();
      return units.filter(({ workload, victims, isReclaimed }) => {
        if (isReclaimed ? !mayTake(workload, leaving) : mustLeave(workload, leaving)) return false;
        leaving.add(tree.node(workload.spec.project), quotaUseOf(workload.spec), victims.length);
        return true;
      });
    },
    take(units) {
      for (const { workload, victims } of units) {
        stopped.add(tree.node(workload.spec.project), quotaUseOf(workload.spec), victims.length);
      }
      seats += 1;
    },
  };
}

function withMore(used: QuotaUse, request: QuotaUse, times: number): QuotaUse {
  const more = { ...used };
  addUse(more, request, times);
  return more;
}

/** What projects use less once those who were asked to stop have ended. */
class Leaving {
  private readonly uses: Map<ProjectNode, QuotaCount>;

  constructor(uses: Iterable<[ProjectNode, QuotaCount]> = []) {
    this.uses = new Map([...uses].map(([project, use]) => [project, { ...use }]));
  }

  copy(): Leaving {
    return new Leaving(this.uses);
  }

  add(project: ProjectNode, use: QuotaUse, times: number): void {
    for (const at of withAncestors(project)) {
      const known = this.uses.get(at) ?? noUse();
      this.uses.set(at, known);
      addUse(known, use, times);
    }
  }

  usedOf(project: ProjectNode): QuotaUse {
    const leaving = this.uses.get(project);
    if (!leaving) return project.used;
    const used = { ...project.used };
    addUse(used, leaving, -1);
    return used;
  }
}
