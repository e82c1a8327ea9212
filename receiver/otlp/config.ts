/** What can be set about the OTLP receiver, in plain values, and the Collector-compatible defaults. */

export interface GrpcConfig {
  /** `host:port`; port 0 picks a free one. */
  readonly endpoint: string;
  /** Largest message, compressed and inflated, in MiB (the Collector's `max_recv_msg_size_mib`). */
  readonly maxRecvMsgSizeMib: number;
}

export interface HttpConfig {
  /** `host:port`; port 0 picks a free one. */
  readonly endpoint: string;
  /** Largest body, compressed and inflated, in MiB. */
  readonly maxRequestBodySizeMib: number;
}

/** A protocol that is absent is not served. */
export interface OtlpReceiverConfig {
  readonly grpc?: GrpcConfig;
  readonly http?: HttpConfig;
}

export const defaultOtlpReceiverConfig = {
  grpc: { endpoint: 'localhost:4317', maxRecvMsgSizeMib: 20 },
  http: { endpoint: 'localhost:4318', maxRequestBodySizeMib: 20 },
} as const satisfies OtlpReceiverConfig;
