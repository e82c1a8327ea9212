/** How deep a span lies in its run. Owns the count only: kept spans above it, by chain or, across a gap, by time. */
import { containsInTime } from '../event.ts';
import type { RunSpans } from './run-spans.ts';
import type { SpanNode } from './span-node.ts';

/** The sets are made when first asked: most runs fail nowhere. */
export function depthIn(run: RunSpans): (node: SpanNode) => number {
  let kept: ReadonlySet<SpanNode> | undefined;
  return (node) => {
    kept ??= new Set<SpanNode>([...run.roots, ...run.steps, ...run.evidence]);
    let depth = 0;
    for (let up = node.parent; up !== null; up = up.parent) {
      if (kept.has(up)) depth++;
      if (run.roots.includes(up)) return depth;
    }
    return countAround(node, kept);
  };
}

function countAround(node: SpanNode, kept: ReadonlySet<SpanNode>): number {
  let around = 0;
  for (const other of kept) {
    if (other !== node && containsInTime(other.event, node.event)) around++;
  }
  return around;
}
