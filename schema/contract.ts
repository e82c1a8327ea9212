/**
 * The stage contract: how work is handed downstream and how a refusal is told.
 * Owns no behaviour. A stage knows only `next`; service/main.ts does the wiring.
 */

/**
 * One stage's way to hand work to the next.
 * Resolves when the next stage has taken responsibility for the item; rejects with a
 * {@link RetryableError} (offer it again) or a {@link PermanentError} (never offer it again).
 */
export interface Consumer<T> {
  consume(item: T): Promise<void>;
}

/** Something with a lifetime. `start` is quick and idempotent; disposal is safe twice and without `start`. */
export interface Stage extends AsyncDisposable {
  start(): Promise<void>;
}

/** The item can never be taken, however often it is offered. */
export class PermanentError extends Error {
  override readonly name = 'PermanentError';
}

/** The item cannot be taken now. The default kind of failure: callers treat unknown errors as retryable. */
export class RetryableError extends Error {
  override readonly name = 'RetryableError';
  /** How long the sender should wait before it offers the item again. */
  readonly retryAfterMs: number;

  constructor(message: string, options: { retryAfterMs?: number; cause?: unknown } = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.retryAfterMs = options.retryAfterMs ?? 1000;
  }
}

/** Why a stage is not ready, in words for `/ready`; undefined when it is. */
export interface Readiness {
  notReadyReason(): string | undefined;
}
