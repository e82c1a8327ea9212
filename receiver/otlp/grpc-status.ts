/**
 * The headers and trailers that end a gRPC call.
 * Owns their spelling; which status an error gets stands in status.ts.
 */
import { constants, type OutgoingHttpHeaders } from 'node:http2';
import { retryInfoProtobuf, statusProtobuf, type Failure, type RpcCode } from './status.ts';

const { HTTP2_HEADER_STATUS } = constants;
const MAX_MESSAGE_LENGTH = 1024;

/** Headers that are the whole answer ("trailers-only"). */
export function failureHeaders(failure: Failure, contentType: string, httpStatus = 200): OutgoingHttpHeaders {
  const { grpcCode, message, retryAfterS } = failure;
  const headers: OutgoingHttpHeaders = {
    [HTTP2_HEADER_STATUS]: httpStatus,
    'content-type': contentType,
    ...statusTrailers(grpcCode, message),
  };
  if (retryAfterS !== undefined) {
    // Java, Go and .NET read the details; Python reads only the trailer of the message's own name.
    headers['grpc-status-details-bin'] = base64(statusProtobuf(grpcCode, message, retryAfterS));
    headers['google.rpc.retryinfo-bin'] = base64(retryInfoProtobuf(retryAfterS));
  }
  return headers;
}

export function statusTrailers(code: RpcCode, message: string): OutgoingHttpHeaders {
  if (message === '') return { 'grpc-status': code };
  return { 'grpc-status': code, 'grpc-message': percentEncoded(message.slice(0, MAX_MESSAGE_LENGTH)) };
}

/** Bytes outside printable ASCII, and the percent sign, as %XX. */
function percentEncoded(message: string): string {
  return message.toWellFormed().replaceAll(/[^ -$&-~]/gu, (character) => encodeURIComponent(character));
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}
