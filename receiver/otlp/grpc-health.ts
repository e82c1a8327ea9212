/**
 * grpc.health.v1.Health/Check for the services of this port, so that Kubernetes' gRPC probes work on it.
 * The Collector does not serve it; a superset. Watch is not offered.
 */
import protobuf from 'protobufjs/minimal.js';
import { Refusal } from './refusal.ts';

const SERVING = 1;
const NOT_SERVING = 2;

/** HealthCheckResponse {ServingStatus status = 1} to a HealthCheckRequest {string service = 1}. */
export function checkHealth(request: Uint8Array, services: readonly string[], stopping: boolean): Uint8Array {
  const service = serviceOf(request);
  if (service !== '' && !services.includes(service)) throw new Refusal('unknown_service', 'unknown service');
  return protobuf.Writer.create()
    .uint32(0x08)
    .int32(stopping ? NOT_SERVING : SERVING)
    .finish();
}

function serviceOf(request: Uint8Array): string {
  let service = '';
  try {
    const reader = protobuf.Reader.create(request);
    while (reader.pos < reader.len) {
      const tag = reader.uint32();
      if (tag === 0x0a) service = reader.string();
      else reader.skipType(tag & 7);
    }
  } catch (error) {
    throw new Refusal('malformed', `proto: ${error instanceof Error ? error.message : String(error)}`);
  }
  return service;
}
