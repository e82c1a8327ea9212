/**
 * Which spans make up which run: the roots of one run id brought together, every other kept span given to its run.
 * Owns membership (DESIGN section 4, "Run id" and the rules for broken chains); computes nothing about a run.
 */
import { Buffer } from 'node:buffer';
import { byStart, compareInstants, EventRole, StatusCode, type Event } from '../event.ts';
import { decideRoles, innermost, mayEnclose, processOf } from './roles.ts';
import { chainTop, isAbove, linkNodes, type SpanNode } from './span-node.ts';

export interface RunSpans {
  readonly environment: string;
  readonly process: string;
  readonly runId: string;
  /** The roots by start; several when a suspended run went on under the same id. Never empty. */
  readonly roots: readonly SpanNode[];
  /** The root that decides: the one that ends last. */
  readonly root: SpanNode;
  readonly steps: SpanNode[];
  readonly evidence: SpanNode[];
  /** Runs whose nearest run ancestor this is; each is a step here too. */
  readonly children: RunSpans[];
  parent: RunSpans | null;
  /** A span was given to this run although another one could claim it. */
  ambiguous: boolean;
}

export interface Partition {
  readonly runs: readonly RunSpans[];
  /** Kept spans that belong to no run that is known yet. */
  readonly waiting: readonly SpanNode[];
}

/** A function of the set: the order of `events` does not matter. */
export function partition(events: readonly Event[]): Partition {
  const nodes = linkNodes(events.toSorted(byStart));
  decideRoles(nodes);
  const runs = collectRuns(nodes.filter((node) => node.isRun === true));
  const byRoot = new Map<SpanNode, RunSpans>();
  for (const run of runs) for (const root of run.roots) byRoot.set(root, run);
  const waiting: SpanNode[] = [];
  for (const node of nodes) {
    if (node.isRun === true) adoptByParent(node, byRoot);
    else if (node.event.role === EventRole.UNTAGGED) giveEvidence(node, byRoot);
    else if (!giveStep(node, byRoot, runs)) waiting.push(node);
  }
  return { runs, waiting };
}

/** Groups roots, by start, by their explicit run id; without one every root is a run of its own. */
function collectRuns(roots: readonly SpanNode[]): RunSpans[] {
  const runs: RunSpans[] = [];
  const explicit = new Map<string, SpanNode[]>();
  for (const root of roots) {
    const { event } = root;
    if (event.runId === '') {
      runs.push(newRun([root], `${hex(event.traceId)}:${hex(event.spanId)}`));
      continue;
    }
    const key = `${event.environment}\0${processOf(root)}\0${event.runId}`;
    const group = explicit.get(key);
    if (group === undefined) explicit.set(key, [root]);
    else group.push(root);
  }
  for (const group of explicit.values()) runs.push(...splitByTerminal(group));
  return runs;
}

/**
 * Roots of one explicit id, by start: one goes on with the run before it while that had not ended; otherwise it is
 * another run, stored as `id@rootSpanId`.
 */
function splitByTerminal(roots: readonly SpanNode[]): RunSpans[] {
  const groups: SpanNode[][] = [];
  for (const root of roots) {
    const current = groups.at(-1);
    if (current !== undefined && !isTerminal(decidingRoot(current))) current.push(root);
    else groups.push([root]);
  }
  return groups.map((group, index) => {
    const { runId, spanId } = group[0]!.event;
    return newRun(group, index === 0 ? runId : `${runId}@${hex(spanId)}`);
  });
}

/** Whether a root's arrival ends its run. */
export function isTerminal(root: SpanNode): boolean {
  return root.event.outcome !== 'suspended';
}

function decidingRoot(roots: readonly SpanNode[]): SpanNode {
  return roots.reduce((last, root) => (compareInstants(root.event.end, last.event.end) >= 0 ? root : last));
}

function newRun(roots: readonly SpanNode[], runId: string): RunSpans {
  const root = decidingRoot(roots);
  return {
    environment: root.event.environment,
    process: processOf(root),
    runId,
    roots,
    root,
    steps: [],
    evidence: [],
    children: [],
    parent: null,
    ambiguous: false,
  };
}

/** A run below another run on an unbroken chain is its child, and a step of it. */
function adoptByParent(root: SpanNode, byRoot: ReadonlyMap<SpanNode, RunSpans>): void {
  const run = byRoot.get(root)!;
  const above = nearestRun(root, byRoot);
  if (run.parent !== null || above === null || above === run || isBelow(above, run)) return;
  run.parent = above;
  above.children.push(run);
}

function nearestRun(node: SpanNode, byRoot: ReadonlyMap<SpanNode, RunSpans>): RunSpans | null {
  for (let up = node.parent; up !== null; up = up.parent) {
    if (up.isRun === true) return byRoot.get(up)!;
  }
  return null;
}

function giveStep(node: SpanNode, byRoot: ReadonlyMap<SpanNode, RunSpans>, runs: readonly RunSpans[]): boolean {
  const owner =
    nearestRun(node, byRoot) ??
    (node.adoptedBy === null ? null : byRoot.get(node.adoptedBy)!) ??
    adoptedAbove(node, byRoot) ??
    byExplicitId(node, runs);
  if (owner !== null) {
    owner.steps.push(node);
    return true;
  }
  // A span that names a run id waits for that run.
  if (node.event.runId !== '') return false;
  const inTrace = runs.filter((run) => run.roots.some((root) => root.event.traceId === node.event.traceId));
  if (inTrace.length === 0) return false;
  giveByTime(node, inTrace);
  return true;
}

/** The run of the nearest span above that was itself found to be a step across a gap. */
function adoptedAbove(node: SpanNode, byRoot: ReadonlyMap<SpanNode, RunSpans>): RunSpans | null {
  for (let up = node.parent; up !== null; up = up.parent) {
    if (up.adoptedBy !== null) return byRoot.get(up.adoptedBy)!;
  }
  return null;
}

/** The run of the span's explicit id in its own trace, else the only one of that id. */
function byExplicitId(node: SpanNode, runs: readonly RunSpans[]): RunSpans | null {
  const { runId, process, traceId } = node.event;
  if (runId === '') return null;
  const named = runs.filter((run) => run.root.event.runId === runId && (process === '' || process === run.process));
  const own = named.filter((run) => run.roots.some((root) => root.event.traceId === traceId));
  if (own.length > 0) return innermostRun(own);
  return named.length === 1 ? named[0]! : null;
}

/** The innermost run around the span, else the outermost of the trace. */
function giveByTime(node: SpanNode, runs: readonly RunSpans[]): void {
  const around = runs.filter((run) => run.roots.some((root) => mayEnclose(root, node)));
  const leaves = around.filter((run) => !around.some((other) => isBelow(other, run)));
  const owner = leaves.length > 0 ? innermostRun(leaves) : outermostRun(runs);
  if (leaves.length > 1) owner.ambiguous = true;
  owner.steps.push(node);
}

function isBelow(run: RunSpans, ancestor: RunSpans): boolean {
  for (let up = run.parent; up !== null; up = up.parent) if (up === ancestor) return true;
  return false;
}

function innermostRun(runs: readonly RunSpans[]): RunSpans {
  const root = innermost(runs.map((run) => run.root))!;
  return runs.find((run) => run.root === root)!;
}

function outermostRun(runs: readonly RunSpans[]): RunSpans {
  const tops = runs.filter((run) => run.parent === null || !runs.includes(run.parent));
  return tops.reduce((first, run) => (byStart(run.root.event, first.root.event) < 0 ? run : first));
}

/** An untagged error below a run, or within its time where the chain is broken; above a run it explains nothing. */
function giveEvidence(node: SpanNode, byRoot: ReadonlyMap<SpanNode, RunSpans>): void {
  if (node.event.status !== StatusCode.ERROR) return;
  const owner = nearestRun(node, byRoot) ?? adoptedAbove(node, byRoot);
  if (owner !== null) {
    owner.evidence.push(node);
    return;
  }
  if (chainTop(node).event.parentSpanId === '') return;
  const around = [...byRoot.keys()].filter((root) => !isAbove(node, root) && mayEnclose(root, node));
  const root = innermost(around);
  if (root !== null) byRoot.get(root)!.evidence.push(node);
}

function hex(id: string): string {
  return Buffer.from(id, 'latin1').toString('hex');
}
