/**
 * Decides which workflow spans are runs and which are steps of an enclosing run (DESIGN section 4, native dialect).
 * Owns that decision alone: a pure function of the set of kept spans. When a run may be acted on is a matter of time
 * and not decided here; `undecided` says that only a wait, or the sight of the local root, can make it final.
 */
import { byStart, compareInstants, containsInTime, EventRole, isLocalRoot } from '../event.ts';
import { chainTop, isAbove, type SpanNode } from './span-node.ts';

/** The name of the process that a workflow span runs. */
export function processOf(node: SpanNode): string {
  return node.event.process === '' ? node.event.name : node.event.process;
}

/** Sets `isRun`, `undecided` and `adoptedBy` of every node. */
export function decideRoles(nodes: readonly SpanNode[]): void {
  const workflows = nodes.filter((node) => node.event.role === EventRole.WORKFLOW).toSorted(outermostFirst);
  for (const node of nodes) {
    if (node.event.role !== EventRole.WORKFLOW) node.isRun = false;
  }
  for (const node of workflows) decide(node, nodes, workflows);
}

/** Longer spans first where the start is equal, so that a span can only lie within an earlier one. */
function outermostFirst(a: SpanNode, b: SpanNode): number {
  return (
    compareInstants(a.event.start, b.event.start) ||
    compareInstants(b.event.end, a.event.end) ||
    byStart(a.event, b.event)
  );
}

function decide(node: SpanNode, nodes: readonly SpanNode[], workflows: readonly SpanNode[]): boolean {
  if (node.isRun !== undefined) return node.isRun;
  if (node.visiting) return false;
  node.visiting = true;
  node.isRun = node.event.process === '' ? unnamedIsRun(node, nodes, workflows) : namedIsRun(node, nodes, workflows);
  node.visiting = false;
  return node.isRun;
}

/** A named workflow is a run, unless its parent is a run of that very name. */
function namedIsRun(node: SpanNode, nodes: readonly SpanNode[], workflows: readonly SpanNode[]): boolean {
  const { parent } = node;
  if (parent === null || parent.event.role !== EventRole.WORKFLOW) return true;
  return !(decide(parent, nodes, workflows) && processOf(parent) === node.event.process);
}

function unnamedIsRun(node: SpanNode, nodes: readonly SpanNode[], workflows: readonly SpanNode[]): boolean {
  if (isLocalRoot(node.event)) return true;
  for (let up = node.parent; up !== null; up = up.parent) {
    if (up.event.role === EventRole.WORKFLOW && decide(up, nodes, workflows)) return false;
  }
  // The trace's root is reached and no run was met on the way: nothing that comes later can change that.
  if (chainTop(node).event.parentSpanId === '') return true;
  const around = workflows.filter(
    (other) => other !== node && mayEnclose(other, node) && decide(other, nodes, workflows),
  );
  node.adoptedBy = innermost(around);
  if (node.adoptedBy !== null) return false;
  node.undecided = !nodes.some((other) => other.event.traceId === node.event.traceId && isLocalRoot(other.event));
  return true;
}

/**
 * Whether `outer` can be an ancestor of `inner` through spans that are not kept: it contains it in time, comes first
 * in order, and the chains do not show the opposite (it stands below `inner`, or hangs on the same missing parent).
 */
export function mayEnclose(outer: SpanNode, inner: SpanNode): boolean {
  if (outer.event.traceId !== inner.event.traceId || !containsInTime(outer.event, inner.event)) return false;
  if (inner.event.role === EventRole.WORKFLOW && outermostFirst(outer, inner) > 0) return false;
  if (isAbove(inner, outer)) return false;
  const missing = chainTop(inner).event.parentSpanId;
  return missing !== '' && chainTop(outer).event.parentSpanId !== missing;
}

/** Of runs around a span the one that started last; ties by the smaller span id. */
export function innermost(runs: readonly SpanNode[]): SpanNode | null {
  let best: SpanNode | null = null;
  for (const run of runs) {
    if (best === null || isInner(run, best)) best = run;
  }
  return best;
}

function isInner(run: SpanNode, best: SpanNode): boolean {
  const order = compareInstants(run.event.start, best.event.start);
  return order > 0 || (order === 0 && run.event.spanId < best.event.spanId);
}
