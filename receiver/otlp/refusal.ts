/**
 * A request that is refused for what it is, whatever the rest of the service does: the sender must not repeat it.
 * Owns the kinds of refusal, which are also the `reason` of finishline_requests_refused_total;
 * what each protocol answers stands in status.ts.
 */

export type RefusalReason =
  | 'malformed' // the bytes are not an export request
  | 'corrupt_compression' // the body does not inflate
  | 'unsupported_encoding'
  | 'too_large'
  | 'unknown_path' // no such path, gRPC service or method
  | 'method_not_allowed'
  | 'unsupported_media_type'
  | 'bad_frame' // not one gRPC message
  | 'unknown_service'; // a health check of a service that is not here

export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly reason: RefusalReason;

  constructor(reason: RefusalReason, message: string) {
    super(message);
    this.reason = reason;
  }
}

/** The sender went away before its request was complete: there is nobody to answer. */
export class Disconnected extends Error {
  override readonly name = 'Disconnected';

  constructor() {
    super('the sender closed the connection before its request was complete');
  }
}
