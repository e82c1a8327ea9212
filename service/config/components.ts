/**
 * Which names may stand under receivers, processors, exporters, extensions and connectors, and what is said of the others.
 * Owns the words about the Collector's components; what a component of ours may be told is in document.ts.
 */
import { nearest } from './nearest.ts';

export type Section = 'receivers' | 'processors' | 'exporters' | 'extensions' | 'connectors';

type Standing =
  | { readonly kind: 'ours' }
  /** Accepted, because a Collector's file has it; what does its work here. */
  | { readonly kind: 'accepted'; readonly instead: string }
  | { readonly kind: 'later' };

/** By component type, the part of a name before the slash. */
const standings: Readonly<Record<Section, Readonly<Record<string, Standing>>>> = {
  receivers: { otlp: { kind: 'ours' }, table: { kind: 'later' } },
  processors: {
    workflow: { kind: 'ours' },
    batch: { kind: 'accepted', instead: 'the ClickHouse exporter makes blocks by rows, bytes and age' },
    memory_limiter: {
      kind: 'accepted',
      instead: 'the receiver bounds what a request may hold and the processor bounds its open runs',
    },
  },
  exporters: {
    clickhouse: { kind: 'ours' },
    otlp: { kind: 'later' },
    otlphttp: { kind: 'later' },
    otlp_grpc: { kind: 'later' },
    otlp_http: { kind: 'later' },
  },
  extensions: {
    health_check: { kind: 'accepted', instead: '/health and /ready of service.admin.endpoint answer' },
    file_storage: { kind: 'accepted', instead: 'service.storage.directory keeps the data' },
    bearertokenauth: { kind: 'later' },
    basicauth: { kind: 'later' },
  },
  connectors: {},
};

export type Verdict =
  | { readonly kind: 'ours' }
  | { readonly kind: 'note'; readonly text: string }
  | { readonly kind: 'error'; readonly text: string };

/** What is said of a component of that name in that section. */
export function judgeComponent(section: Section, name: string): Verdict {
  const [type = '', instance] = name.split('/', 2);
  const standing = standings[section][type];
  const singular = section.slice(0, -1);
  if (standing === undefined) {
    const known = Object.entries(standings[section]).flatMap(([key, each]) => (each.kind === 'later' ? [] : [key]));
    const meant = nearest(type, known);
    const hint = meant === undefined ? '' : ` (did you mean '${meant}'?)`;
    return {
      kind: 'error',
      text: `the Collector's ${type} ${singular} is not part of Finishline; run a Collector in front${hint}`,
    };
  }
  switch (standing.kind) {
    case 'later':
      return { kind: 'error', text: `the ${name} ${singular} is not available yet in this version` };
    case 'accepted':
      return { kind: 'note', text: `accepted, but not needed: ${standing.instead}` };
    case 'ours':
      return instance === undefined
        ? { kind: 'ours' }
        : { kind: 'error', text: `Finishline has one ${type} ${singular}; name it '${type}'` };
    default:
      return standing satisfies never;
  }
}
