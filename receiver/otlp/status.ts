/**
 * What the sender is told: the table from errors to HTTP and gRPC statuses, and the google.rpc.Status bodies.
 * Owns codes, texts and encodings of the answer; not the sending of it.
 * Never 5xx for bad input: several senders repeat every 5xx for ever. Waiting times are 1 to 2 s: longer ones make
 * SDKs give the batch up at once, shorter ones use their retries up in milliseconds.
 * Source: the Collector's receiver/otlpreceiver/internal/errors; google/rpc/status.proto, error_details.proto.
 */
import protobuf from 'protobufjs/minimal.js';
import { PermanentError, RetryableError } from '../../schema/contract.ts';
import { Disconnected, Refusal, type RefusalReason } from './refusal.ts';

/** google.rpc.Code, as far as they are answered here. */
export const RpcCode = {
  OK: 0,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  NOT_FOUND: 5,
  RESOURCE_EXHAUSTED: 8,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
} as const;
export type RpcCode = (typeof RpcCode)[keyof typeof RpcCode];

export type FailureReason = RefusalReason | 'retryable' | 'permanent' | 'unexpected' | 'disconnected';

export interface Failure {
  readonly reason: FailureReason;
  /** Of the HTTP response, and the code in the Status that is its body. */
  readonly httpStatus: number;
  readonly code: RpcCode;
  /** The gRPC status: the Collector answers malformed messages with INTERNAL there. */
  readonly grpcCode: RpcCode;
  readonly message: string;
  /** Whole seconds after which the sender should try again; undefined when it should not. */
  readonly retryAfterS?: number;
}

const RETRY_INFO = 'type.googleapis.com/google.rpc.RetryInfo';

/** HTTP status, code of the Status in its body, gRPC status. */
const REFUSALS: Readonly<Record<RefusalReason, readonly [number, RpcCode, RpcCode]>> = {
  malformed: [400, RpcCode.INVALID_ARGUMENT, RpcCode.INTERNAL],
  corrupt_compression: [400, RpcCode.INVALID_ARGUMENT, RpcCode.INTERNAL],
  unsupported_encoding: [400, RpcCode.INVALID_ARGUMENT, RpcCode.UNIMPLEMENTED],
  too_large: [413, RpcCode.INVALID_ARGUMENT, RpcCode.RESOURCE_EXHAUSTED],
  unknown_path: [404, RpcCode.UNIMPLEMENTED, RpcCode.UNIMPLEMENTED],
  method_not_allowed: [405, RpcCode.UNIMPLEMENTED, RpcCode.INTERNAL],
  unsupported_media_type: [415, RpcCode.INVALID_ARGUMENT, RpcCode.INVALID_ARGUMENT],
  bad_frame: [400, RpcCode.INVALID_ARGUMENT, RpcCode.INTERNAL],
  unknown_service: [404, RpcCode.NOT_FOUND, RpcCode.NOT_FOUND],
};

/** The answer to an error of any stage; errors of unknown kind may be repeated. */
export function failureOf(error: unknown): Failure {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof Refusal) {
    const [httpStatus, code, grpcCode] = REFUSALS[error.reason];
    return { reason: error.reason, httpStatus, code, grpcCode, message };
  }
  if (error instanceof PermanentError) {
    const text = `Permanent error: ${message}`;
    return { reason: 'permanent', httpStatus: 500, code: RpcCode.INTERNAL, grpcCode: RpcCode.INTERNAL, message: text };
  }
  const known = error instanceof RetryableError;
  return {
    reason: reasonOf(error),
    httpStatus: 503,
    code: RpcCode.UNAVAILABLE,
    grpcCode: RpcCode.UNAVAILABLE,
    message,
    retryAfterS: known ? retryAfterS(error.retryAfterMs) : 1,
  };
}

function reasonOf(error: unknown): FailureReason {
  if (error instanceof RetryableError) return 'retryable';
  return error instanceof Disconnected ? 'disconnected' : 'unexpected';
}

function retryAfterS(retryAfterMs: number): number {
  return retryAfterMs > 1000 ? 2 : 1;
}

/** google.rpc.Status {int32 code = 1; string message = 2; repeated Any details = 3}. */
export function statusProtobuf(code: RpcCode, message: string, retryAfterS?: number): Uint8Array {
  const writer = protobuf.Writer.create();
  if (code !== 0) writer.uint32(0x08).int32(code);
  if (message !== '') writer.uint32(0x12).string(message);
  if (retryAfterS !== undefined) {
    // Any {string type_url = 1; bytes value = 2}
    writer.uint32(0x1a).fork();
    writer.uint32(0x0a).string(RETRY_INFO);
    writer.uint32(0x12).bytes(retryInfoProtobuf(retryAfterS));
    writer.ldelim();
  }
  return writer.finish();
}

/** google.rpc.RetryInfo {Duration retry_delay = 1}; Duration {int64 seconds = 1}. */
export function retryInfoProtobuf(retryAfterS: number): Uint8Array {
  return protobuf.Writer.create().uint32(0x0a).fork().uint32(0x08).int32(retryAfterS).ldelim().finish();
}

/** The same Status as proto3 JSON. */
export function statusJson(code: RpcCode, message: string, retryAfterS?: number): string {
  const details = [{ '@type': RETRY_INFO, retryDelay: `${retryAfterS}s` }];
  return JSON.stringify(retryAfterS === undefined ? { code, message } : { code, message, details });
}
