/**
 * The kept spans of a group of traces as nodes linked to their known parents.
 * Owns linking and walking up; which nodes are runs is decided by roles.ts.
 */
import { byStart, type Event } from '../event.ts';

export interface SpanNode {
  readonly event: Event;
  /** The parent among the kept spans of the same trace; null when there is none or it is not kept. */
  parent: SpanNode | null;
  /** Whether this node is a run's root; undefined until decided. */
  isRun: boolean | undefined;
  /** A run only because no run ancestor is known, and its trace's local root has not been seen. */
  undecided: boolean;
  /** The run that a workflow span without an unbroken chain was found to be a step of. */
  adoptedBy: SpanNode | null;
  /** Being decided: a decision that comes back to itself ends there. */
  visiting: boolean;
  /** Number of the walk that last passed here, while cycles are looked for. */
  walk: number;
}

const LINEAR_SEARCH_LIMIT = 16;

export function linkNodes(events: readonly Event[]): SpanNode[] {
  const nodes = events.map(newNode);
  const find = nodes.length <= LINEAR_SEARCH_LIMIT ? linearSearch(nodes) : indexedSearch(nodes);
  for (const node of nodes) {
    const { parentSpanId, traceId } = node.event;
    if (parentSpanId === '') continue;
    const parent = find(traceId, parentSpanId);
    if (parent !== undefined && parent !== node) node.parent = parent;
  }
  cutCycles(nodes);
  return nodes;
}

/** Spans that are each other's parents (broken senders, hostile ones): the link of the earliest of them is cut. */
function cutCycles(nodes: readonly SpanNode[]): void {
  nodes.forEach((node, index) => {
    const walk = index + 1;
    let up: SpanNode | null = node;
    while (up !== null && up.walk === 0) {
      up.walk = walk;
      up = up.parent;
    }
    if (up !== null && up.walk === walk) cut(up);
  });
}

function cut(member: SpanNode): void {
  let earliest = member;
  for (let up = member.parent!; up !== member; up = up.parent!) {
    if (byStart(up.event, earliest.event) < 0) earliest = up;
  }
  earliest.parent = null;
}

function newNode(event: Event): SpanNode {
  return { event, parent: null, isRun: undefined, undecided: false, adoptedBy: null, visiting: false, walk: 0 };
}

type Search = (traceId: string, spanId: string) => SpanNode | undefined;

function linearSearch(nodes: readonly SpanNode[]): Search {
  return (traceId, spanId) => {
    for (const node of nodes) {
      if (node.event.spanId === spanId && node.event.traceId === traceId) return node;
    }
    return undefined;
  };
}

function indexedSearch(nodes: readonly SpanNode[]): Search {
  const index = new Map(nodes.map((node) => [node.event.traceId + node.event.spanId, node]));
  return (traceId, spanId) => index.get(traceId + spanId);
}

/** The topmost kept span above `node` (itself when its parent is not kept). */
export function chainTop(node: SpanNode): SpanNode {
  let top = node;
  while (top.parent !== null) top = top.parent;
  return top;
}

/** Whether `ancestor` stands above `node` on the chain of kept spans. */
export function isAbove(ancestor: SpanNode, node: SpanNode): boolean {
  for (let up = node.parent; up !== null; up = up.parent) {
    if (up === ancestor) return true;
  }
  return false;
}
