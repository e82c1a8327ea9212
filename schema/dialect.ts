/**
 * How one engine's spans become events: a dialect is data, shared code never names one.
 * Owns the type; the tables are in schema/dialects/, one file each; receiver and processor compile them.
 */

/** A cheap test on a span's own attributes that decides, during the scan, whether the span is kept. */
export interface Discriminator {
  /** Attribute key, on the span itself. */
  readonly attribute: string;
  /** Accepted string values; absent = the key's presence is enough. */
  readonly values?: readonly string[];
  /** The span may need its trace's local root before its role is known (see RootWatch). */
  readonly mayBeUndecided?: boolean;
}

/** What a span can be by its attributes alone; ancestry may still turn a workflow into a step. */
export type SpanRole = 'workflow' | 'step';

/** First rule whose `when` holds decides the role. */
export interface RoleRule {
  readonly role: SpanRole;
  readonly when: Discriminator;
}

export type OutcomeValue = 'success' | 'failure' | 'cancelled' | 'skipped' | 'suspended';

export interface Dialect {
  /** The file's name; stored in `runs.dialect`. */
  readonly name: string;
  readonly roles: readonly RoleRule[];
  /** Attribute keys in order of preference; looked up on the span, then the resource, then the scope. */
  readonly attributes: {
    readonly process: readonly string[];
    readonly runId: readonly string[];
    readonly trigger: readonly string[];
    readonly enqueuedAt: readonly string[];
    readonly stepName: readonly string[];
    readonly stepKey: readonly string[];
    readonly stepVerb: readonly string[];
    readonly stepAttempt: readonly string[];
    readonly errorType: readonly string[];
    readonly errorMessage: readonly string[];
  };
  /** An attribute whose value decides the outcome whatever the status says. */
  readonly outcome?: { readonly attribute: string; readonly values: Readonly<Record<string, OutcomeValue>> };
  /** What an UNSET root status claims: `success` for spans that the engine itself makes, else nothing. */
  readonly unset: 'success' | 'nothing';
  /** How a run of this dialect is known to be running before it ends. */
  readonly inFlight: 'marker' | 'children' | 'none';
  /** Two roots with one explicit run id are one run even when the earlier was terminal. */
  readonly dedupe?: 'run_key';
}
