/**
 * What the generated spans carry besides ids and times: names, kinds, attributes, status, the exception event.
 * Ordinary HTTP and database spans as instrumentations write them; workflow spans in the native dialect.
 */
import { environment, type GeneratedProcess, stepsPerRun } from './processes.ts';
import type { Random } from './random.ts';
import type { RunShape, Slot } from './workload.ts';

export type AttributeValue = string | number;
export type Attributes = readonly (readonly [key: string, value: AttributeValue])[];

export interface SpanContent {
  readonly service: string;
  readonly scope: string;
  readonly name: string;
  /** OTLP SpanKind: 1 internal, 2 server, 3 client. */
  readonly kind: number;
  readonly attributes: Attributes;
  /** OTLP StatusCode: 0 UNSET, 2 ERROR. */
  readonly status: 0 | 2;
  readonly statusMessage: string;
  readonly hasParent: boolean;
  readonly exception: Attributes | undefined;
}

export const stepError = { type: 'UpstreamError', message: 'upstream returned 503' };

export function resourceAttributes(service: string, instance: number): Attributes {
  const pod = `${service}-7c9f8d6b5-${(instance * 7919).toString(16).padStart(5, '0')}`;
  return [
    ['service.name', service],
    ['service.version', '2.14.3'],
    ['service.instance.id', pod],
    ['deployment.environment.name', environment],
    ['k8s.namespace.name', 'shop'],
    ['k8s.pod.name', pod],
    ['host.name', `ip-10-0-${instance}-17`],
    ['telemetry.sdk.name', 'opentelemetry'],
    ['telemetry.sdk.language', 'nodejs'],
    ['telemetry.sdk.version', '2.12.0'],
  ];
}

/** A workflow span: `slot` must not be plain. */
export function workflowContent(slot: Slot, shape: RunShape, noRootError: boolean, random: Random): SpanContent {
  const { process } = shape;
  const business = businessAttributes(process, random);
  const common = { service: process.service, scope: 'workflow', kind: 1 };
  if (slot.role === 'root') {
    const failed = shape.failingStep >= 0 && !noRootError;
    const attributes: Attributes = [['op', 'workflow'], ['workflow.name', process.name], ...business];
    const statusMessage = failed ? `step ${process.steps[shape.failingStep]} failed` : '';
    const status = failed ? 2 : 0;
    return { ...common, name: process.name, attributes, status, statusMessage, hasParent: false, exception: undefined };
  }
  const step = slot.role === 'again' ? shape.recoveringStep : Number(slot.role);
  const name = process.steps[step]!;
  const failed = slot.role !== 'again' && (step === shape.failingStep || step === shape.recoveringStep);
  return {
    ...common,
    name,
    attributes: [['op', 'workflow'], ['step.name', name], ...business],
    status: failed ? 2 : 0,
    statusMessage: failed ? stepError.message : '',
    hasParent: true,
    exception: failed ? exceptionAttributes(step) : undefined,
  };
}

function businessAttributes(process: GeneratedProcess, random: Random): Attributes {
  return [
    ['tenant.id', `t-${digits(random, 6)}`],
    ['order.id', `ord_${digits(random, 12)}`],
    ['app.region', 'eu-central-1'],
    ['code.file.path', `/srv/app/dist/workflows/${process.name}.js`],
    ['code.function.name', 'runWorkflow'],
    ['thread.id', 1],
    ['app.release', '2026.11.3-4f1c9e2'],
  ];
}

function exceptionAttributes(step: number): Attributes {
  return [
    ['exception.type', stepError.type],
    ['exception.message', stepError.message],
    [
      'exception.stacktrace',
      `${stepError.type}: ${stepError.message}\n    at callUpstream (/srv/app/dist/steps/${step}-of-${stepsPerRun}.js:41:11)\n` +
        '    at async step (/srv/app/node_modules/sdk/step.js:88:20)\n    at async run (/srv/app/dist/worker.js:19:5)',
    ],
  ];
}

const routes = [
  '/api/orders/:id',
  '/api/cart/:id/items',
  '/api/users/:id/profile',
  '/internal/stock/reserve',
  '/api/search',
];
const plainServices = ['shop-api', 'orders-worker', 'billing-worker', 'data-worker'];

/** A span that belongs to no workflow: `number` chooses its kind, `group` its service. */
export function plainContent(number: number, group: number, hasParent: boolean, random: Random): SpanContent {
  const [name, kind, attributes] = [serverCall, databaseCall, clientCall][number % 3]!(number, random);
  return {
    service: plainServices[group % plainServices.length]!,
    scope: '@opentelemetry/instrumentation-http',
    name,
    kind,
    attributes,
    status: 0,
    statusMessage: '',
    hasParent,
    exception: undefined,
  };
}

type PlainCall = readonly [name: string, kind: number, attributes: Attributes];

function serverCall(number: number, random: Random): PlainCall {
  const route = routes[number % routes.length]!;
  return [
    `GET ${route}`,
    2,
    [
      ['http.request.method', 'GET'],
      ['url.scheme', 'https'],
      ['url.path', `/api/orders/${digits(random, 8)}`],
      ['http.route', route],
      ['http.response.status_code', 200],
      ['server.address', 'shop.example.com'],
      ['server.port', 443],
      ['client.address', `203.0.113.${random.below(255)}`],
      ['network.protocol.version', '1.1'],
      ['user_agent.original', 'Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101'],
      ['thread.id', random.below(64)],
    ],
  ];
}

function databaseCall(_number: number, random: Random): PlainCall {
  return [
    'SELECT shop.orders',
    3,
    [
      ['db.system.name', 'postgresql'],
      ['db.namespace', 'shop'],
      ['db.collection.name', 'orders'],
      ['db.operation.name', 'SELECT'],
      [
        'db.query.text',
        'SELECT id, status, total FROM orders WHERE customer_id = $1 AND state <> $2 ORDER BY created_at DESC LIMIT 20',
      ],
      ['server.address', 'pg-main.shop.svc.cluster.local'],
      ['server.port', 5432],
      ['network.peer.address', `10.0.3.${random.below(255)}`],
    ],
  ];
}

function clientCall(_number: number, random: Random): PlainCall {
  return [
    'POST',
    3,
    [
      ['http.request.method', 'POST'],
      ['url.full', `http://stock.shop.svc.cluster.local:8080/internal/stock/reserve?sku=${digits(random, 8)}`],
      ['server.address', 'stock.shop.svc.cluster.local'],
      ['server.port', 8080],
      ['http.response.status_code', 201],
      ['network.protocol.version', '1.1'],
      ['http.request.body.size', random.below(9000)],
      ['network.peer.address', `10.0.4.${random.below(255)}`],
      ['http.request.resend_count', 0],
    ],
  ];
}

function digits(random: Random, count: number): string {
  return Array.from({ length: count }, () => random.below(10)).join('');
}
