/** The admin door over real HTTP: statuses, bodies, escaping. */
import { afterEach, describe, expect, test } from 'vitest';
import { AdminServer, type AdminDependencies } from '../../../service/admin/admin-server.ts';
import { ServicePhase } from '../../../service/admin/service-phase.ts';
import { ServiceTelemetry } from '../../../service/telemetry/service-telemetry.ts';

const started: AdminServer[] = [];
afterEach(async () => {
  for (const server of started.splice(0)) await server[Symbol.asyncDispose]();
});

const readings = {
  uptime: () => 1,
  cpuUsage: () => ({ user: 0, system: 0 }),
  memoryUsage: () => ({ rss: 1, heapUsed: 1, heapTotal: 1, external: 1 }),
};

async function admin(overrides: Partial<AdminDependencies> = {}): Promise<string> {
  const server = new AdminServer(
    { host: 'localhost', port: 0 },
    {
      readiness: [],
      telemetry: new ServiceTelemetry({ logLevel: 'error', strict: true }, { write: () => {} }, readings),
      surfaces: () => ({
        grpc: '127.0.0.1:4317',
        sql: 'http://127.0.0.1:8123',
        admin: '127.0.0.1:8090',
        storageDirectory: '/data/<here>',
      }),
      readHealth: async () => [],
      ...overrides,
    },
  );
  started.push(server);
  await server.start();
  return `http://${server.address}`;
}

describe('/health and /ready', () => {
  test('the process is alive whether it is ready or not', async () => {
    const url = await admin({ readiness: [{ notReadyReason: () => 'no' }] });
    const response = await fetch(`${url}/health`);
    expect([response.status, await response.json()]).toEqual([200, { status: 'ok' }]);
  });

  test('not ready with every reason, ready without one', async () => {
    const phase = new ServicePhase();
    let reason: string | undefined = 'ClickHouse refused the password';
    const url = await admin({ readiness: [phase, { notReadyReason: () => reason }] });
    const before = await fetch(`${url}/ready`);
    expect([before.status, await before.json()]).toEqual([
      503,
      { status: 'not ready', reasons: ['the service is starting', 'ClickHouse refused the password'] },
    ]);
    phase.enter('up');
    reason = undefined;
    const after = await fetch(`${url}/ready`);
    expect([after.status, await after.json()]).toEqual([200, { status: 'ready', reasons: [] }]);
    phase.enter('stopping');
    expect(await (await fetch(`${url}/ready`)).json()).toMatchObject({ reasons: ['the service is stopping'] });
  });
});

describe('/', () => {
  test('shows surfaces and rows, with everything from the wire escaped', async () => {
    const row = { process: `<script>alert('"&"')</script>`, window: '5m', completion_rate: 0.98765, p95_ms: null };
    const url = await admin({ readHealth: async () => [row] });
    const response = await fetch(url);
    const html = await response.text();
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(response.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(html).toContain('<td>&#60;script&#62;alert(&#39;&#34;&#38;&#34;&#39;)&#60;/script&#62;</td>');
    expect(html).toContain('<td>0.988</td><td></td>');
    expect(html).toContain('/data/&#60;here&#62;');
    expect(html).not.toContain('<script');
  });

  test('says so when ClickHouse cannot be read', async () => {
    const url = await admin({ readHealth: () => Promise.reject(new Error('connection refused')) });
    const response = await fetch(url);
    expect(response.status).toBe(200);
    expect(await response.text()).toContain('Cannot be read now: connection refused');
  });

  test('says what to do when there is no run yet', async () => {
    expect(await (await fetch(await admin())).text()).toContain('No run yet');
  });
});

test('/metrics is the Prometheus text', async () => {
  const response = await fetch(`${await admin()}/metrics`);
  expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  expect(await response.text()).toContain('otelcol_process_uptime 1');
});

test('anything else is a JSON 404', async () => {
  const response = await fetch(`${await admin()}/api?x=1`, { method: 'POST', body: '{' });
  expect([response.status, await response.json()]).toEqual([
    404,
    { status: 404, error: 'there is no POST /api?x=1 here' },
  ]);
});
