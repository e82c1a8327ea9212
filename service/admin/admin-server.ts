/**
 * The admin door: `/health`, `/ready`, `/metrics` and a plain page at `/`.
 * Owns HTTP only: what is ready, measured and shown comes from its dependencies. Anything else is a JSON 404.
 */
import type { AddressInfo } from 'node:net';
import fastify, { type FastifyInstance } from 'fastify';
import type { Readiness, Stage } from '../../schema/contract.ts';
import type { Telemetry } from '../../schema/telemetry.ts';
import { renderPage, type PageContent } from './page.ts';

export interface AdminConfig {
  readonly host: string;
  /** 0 = any free port. */
  readonly port: number;
}

export interface AdminDependencies {
  /** All of them must have no reason against it. */
  readonly readiness: readonly Readiness[];
  readonly metrics: { readonly contentType: string; text(): Promise<string> };
  /** What `/` shows at this moment. */
  page(): Promise<PageContent>;
  readonly telemetry: Telemetry;
}

const pageHeaders = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
};

export class AdminServer implements Stage {
  readonly #config: AdminConfig;
  readonly #dependencies: AdminDependencies;
  readonly #server: FastifyInstance;

  constructor(config: AdminConfig, dependencies: AdminDependencies) {
    this.#config = config;
    this.#dependencies = dependencies;
    this.#server = fastify({ logger: false, forceCloseConnections: true });
    this.#routes();
  }

  /** @throws an error with code EADDRINUSE, EACCES or EADDRNOTAVAIL when it cannot listen. */
  async start(): Promise<void> {
    if (this.#server.server.listening) return;
    await this.#server.listen({ host: this.#config.host, port: this.#config.port });
  }

  /** The port that is listened on; undefined before the start. */
  get port(): number | undefined {
    return (this.#server.server.address() as AddressInfo | null)?.port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.close();
  }

  #routes(): void {
    const { metrics, telemetry } = this.#dependencies;
    this.#server.get('/health', () => ({ status: 'ok' }));
    this.#server.get('/ready', async (_request, reply) => {
      const reasons = this.#notReadyReasons();
      const ready = reasons.length === 0;
      return reply.code(ready ? 200 : 503).send({ status: ready ? 'ready' : 'not ready', reasons });
    });
    this.#server.get('/metrics', async (_request, reply) =>
      reply.header('content-type', metrics.contentType).send(await metrics.text()),
    );
    this.#server.get('/', async (_request, reply) =>
      reply.headers(pageHeaders).send(renderPage(await this.#dependencies.page(), this.#notReadyReasons())),
    );
    this.#server.setNotFoundHandler((request, reply) =>
      reply.code(404).send({ status: 404, error: `there is no ${request.method} ${request.url} here` }),
    );
    this.#server.setErrorHandler((error, request, reply) => {
      telemetry.error('the admin door failed to answer', { url: request.url, error });
      return reply.code(500).send({ status: 500, error: 'internal error; the log says more' });
    });
  }

  #notReadyReasons(): string[] {
    return this.#dependencies.readiness.flatMap((each) => each.notReadyReason() ?? []);
  }
}
