/**
 * What both protocols do with the bytes of one request: scan, re-frame, hand to the next stage, count.
 * Owns the all-or-nothing of a request: it is counted as accepted when the next stage has taken it, never before.
 * Resolves when the sender may be told so; rejects with a Refusal, or with the error of the next stage.
 */
import type { Consumer } from '../../schema/contract.ts';
import type { Dialect } from '../../schema/dialect.ts';
import type { RootWatch, SpanBatch } from '../../schema/span-batch.ts';
import type { Telemetry } from '../../schema/telemetry.ts';
import { JsonRequestReader } from './json-request.ts';
import { reframe } from './reframe.ts';
import { RequestScan } from './request-scan.ts';
import { EVIDENCE, LOCAL_ROOT, TAGGED, UNDECIDED } from './scan-plan.ts';
import { settleSightings } from './sightings.ts';
import { failureOf } from './status.ts';

export type Transport = 'grpc' | 'http';
export type Payload = 'protobuf' | 'json';

export interface IntakeDeps {
  readonly next: Consumer<SpanBatch>;
  readonly watch: RootWatch;
  readonly dialects: readonly Dialect[];
  readonly telemetry: Telemetry;
}

/** What one request held. */
interface Tally {
  readonly spans: number;
  readonly tagged: number;
  readonly evidence: number;
  readonly sightings: number;
  readonly invalidIds: number;
  readonly deprecated: number;
}

export class Intake {
  readonly #next: Consumer<SpanBatch>;
  readonly #watch: RootWatch;
  readonly #telemetry: Telemetry;
  readonly #scan: RequestScan;
  readonly #json: JsonRequestReader;

  constructor(deps: IntakeDeps) {
    this.#next = deps.next;
    this.#watch = deps.watch;
    this.#telemetry = deps.telemetry;
    this.#scan = new RequestScan(deps.dialects);
    this.#json = new JsonRequestReader(deps.dialects);
  }

  /** Takes the (inflated) body of one request. */
  async take(body: Buffer, payload: Payload, transport: Transport): Promise<void> {
    const { tally, tracesData } = this.#read(body, payload);
    const spanCount = tally.tagged + tally.evidence + tally.sightings;
    if (tracesData !== undefined) {
      try {
        await this.#next.consume({ tracesData, spanCount });
      } catch (error) {
        this.#telemetry.count('otelcol_receiver_refused_spans', tally.spans, { receiver: 'otlp', transport });
        throw error;
      }
    }
    this.#countAccepted(tally, spanCount, transport);
  }

  /** Counts and logs a request that was answered with an error, whoever found it. */
  refused(error: unknown, transport: Transport): void {
    const { reason, message } = failureOf(error);
    this.#telemetry.count('finishline_requests_refused_total', 1, { transport, reason });
    if (reason === 'unexpected') {
      this.#telemetry.warn('request refused by an unexpected error; the sender may repeat it', { transport, error });
    } else if (reason === 'permanent') {
      this.#telemetry.error('request refused for good', { transport, error: message });
    } else {
      this.#telemetry.debug('request refused', { transport, reason, error: message });
    }
  }

  #read(body: Buffer, payload: Payload): { tally: Tally; tracesData: Buffer | undefined } {
    let request = body;
    let skipped = 0;
    if (payload === 'json') ({ request, skipped } = this.#json.read(body));
    const scan = this.#scan;
    scan.scan(request);
    settleSightings(scan, request, this.#watch);
    return { tally: tallyOf(scan, skipped), tracesData: reframe(scan.plan, request) };
  }

  #countAccepted(tally: Tally, kept: number, transport: Transport): void {
    const telemetry = this.#telemetry;
    if (tally.spans > 0) {
      telemetry.count('otelcol_receiver_accepted_spans', tally.spans, { receiver: 'otlp', transport });
    }
    const skipped = tally.spans - kept - tally.invalidIds;
    if (skipped > 0) telemetry.count('finishline_spans_skipped_total', skipped);
    if (tally.tagged > 0) telemetry.count('finishline_spans_kept_total', tally.tagged, { kind: 'tagged' });
    if (tally.evidence > 0) telemetry.count('finishline_spans_kept_total', tally.evidence, { kind: 'evidence' });
    if (tally.sightings > 0) telemetry.count('finishline_spans_kept_total', tally.sightings, { kind: 'sighting' });
    if (tally.invalidIds > 0) {
      telemetry.count('finishline_spans_dropped_total', tally.invalidIds, { reason: 'invalid_id' });
    }
    if (tally.deprecated > 0) {
      telemetry.count('finishline_spans_dropped_total', tally.deprecated, { reason: 'deprecated_field' });
    }
  }
}

function tallyOf(scan: RequestScan, skipped: number): Tally {
  let tagged = 0;
  let evidence = 0;
  let sightings = 0;
  for (let i = 0; i < scan.plan.length; i++) {
    const kind = scan.plan.kind(i);
    if (kind === TAGGED || kind === UNDECIDED) tagged++;
    else if (kind === EVIDENCE) evidence++;
    else if (kind === LOCAL_ROOT) sightings++;
  }
  const spans = scan.spans - scan.deprecated + skipped;
  return { spans, tagged, evidence, sightings, invalidIds: scan.invalidIds, deprecated: scan.deprecated };
}
