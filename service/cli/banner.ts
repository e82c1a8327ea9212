/** The five lines on stdout that say what a newcomer does next. Owns their words; addresses are handed in. */

export interface Surfaces {
  readonly grpc: string | undefined;
  readonly http: string | undefined;
  readonly sqlUrl: string;
  readonly adminUrl: string;
  readonly storageDirectory: string;
}

export function banner(surfaces: Surfaces): string {
  const send = [
    ...(surfaces.grpc === undefined ? [] : [`OTLP/gRPC ${surfaces.grpc}`]),
    ...(surfaces.http === undefined ? [] : [`OTLP/HTTP http://${surfaces.http}`]),
  ];
  return [
    'Finishline is up.',
    `  send   ${send.join(', ')}`,
    `  query  curl ${surfaces.sqlUrl} -d 'SELECT * FROM process_health'`,
    `  look   ${surfaces.adminUrl}`,
    `  data   ${surfaces.storageDirectory} (README.md says what comes next)`,
    '',
  ].join('\n');
}
