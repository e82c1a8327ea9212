/** Where to send, query and look, once everything listens: for the five lines on stdout and the page. Owns the words. */

export interface Surfaces {
  /** host:port; undefined when the protocol is not served. */
  readonly grpc?: string | undefined;
  readonly http?: string | undefined;
  /** URL of ClickHouse's HTTP interface. */
  readonly sql: string;
  /** host:port. */
  readonly admin: string;
  readonly storageDirectory: string;
}

export interface Surface {
  readonly name: string;
  readonly address: string;
}

export function listSurfaces(surfaces: Surfaces): Surface[] {
  return [
    ...(surfaces.grpc === undefined ? [] : [{ name: 'OTLP/gRPC', address: surfaces.grpc }]),
    ...(surfaces.http === undefined ? [] : [{ name: 'OTLP/HTTP', address: `http://${surfaces.http}/v1/traces` }]),
    { name: 'SQL', address: `curl ${surfaces.sql} -d 'SELECT * FROM process_health'` },
    { name: 'Admin', address: `http://${surfaces.admin} (/health /ready /metrics)` },
    { name: 'Data', address: surfaces.storageDirectory },
  ];
}

/** What a newcomer does next, in five lines. */
export function banner(surfaces: Surfaces): string {
  const sends = [
    ...(surfaces.grpc === undefined ? [] : [`OTLP/gRPC ${surfaces.grpc}`]),
    ...(surfaces.http === undefined ? [] : [`OTLP/HTTP http://${surfaces.http}`]),
  ];
  return [
    'Finishline is up. How to point an exporter at it: README.md',
    `  send   ${sends.join('  ')}`,
    `  query  curl ${surfaces.sql} -d 'SELECT * FROM process_health'`,
    `  look   http://${surfaces.admin}`,
    `  data   ${surfaces.storageDirectory}`,
    '',
  ].join('\n');
}
