/**
 * Decides which of the untagged local roots in a plan are kept: those of traces with an undecided span.
 * Owns that question only. A trace is asked for by the processor (RootWatch), or by an undecided span of the very same
 * request, which the processor has not seen yet.
 */
import type { RootWatch } from '../../schema/span-batch.ts';
import type { RequestScan } from './request-scan.ts';
import { DROPPED, LOCAL_ROOT, UNDECIDED } from './scan-plan.ts';

const TRACE_ID_BYTES = 16;

/** Marks the local roots that nobody waits for as dropped. */
export function settleSightings(scan: RequestScan, request: Buffer, watch: RootWatch): void {
  if (!scan.hasLocalRoots) return;
  const { plan } = scan;
  const undecided = scan.hasUndecided ? undecidedTraces(scan, request) : undefined;
  const watching = watch.active();
  for (let i = 0; i < plan.length; i++) {
    if (plan.kind(i) !== LOCAL_ROOT) continue;
    if (undecided !== undefined || watching) {
      const id = traceId(request, plan.extra(i));
      if (undecided?.has(id) === true || (watching && watch.watches(id))) continue;
    }
    plan.setKind(i, DROPPED);
  }
}

function undecidedTraces({ plan }: RequestScan, request: Buffer): Set<string> {
  const traces = new Set<string>();
  for (let i = 0; i < plan.length; i++) {
    if (plan.kind(i) === UNDECIDED) traces.add(traceId(request, plan.extra(i)));
  }
  return traces;
}

function traceId(request: Buffer, at: number): string {
  return request.toString('latin1', at, at + TRACE_ID_BYTES);
}
