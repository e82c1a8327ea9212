/**
 * The admin door: `/health`, `/ready`, `/metrics` and a plain page at `/`.
 * Owns HTTP only: what is ready, measured and shown comes from its dependencies. Anything else is a JSON 404.
 */
import type { AddressInfo } from 'node:net';
import fastify, { type FastifyInstance } from 'fastify';
import type { Readiness, Stage } from '../../schema/contract.ts';
import type { Telemetry } from '../../schema/telemetry.ts';
import { formatListenAddress, type ListenAddress } from '../config/endpoint.ts';
import type { Scrape } from '../telemetry/service-telemetry.ts';
import { renderPage, type Health } from './page.ts';
import type { Surfaces } from './surfaces.ts';

export type AdminConfig = ListenAddress;

export interface AdminDependencies {
  /** All of them must have no reason against it. */
  readonly readiness: readonly Readiness[];
  readonly telemetry: Telemetry & { scrape(): Promise<Scrape> };
  /** Where everything is, at this moment. */
  surfaces(): Surfaces;
  /** The rows of process_health, as a reader sees them. */
  readHealth(): Promise<readonly Readonly<Record<string, unknown>>[]>;
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
    await this.#server.listen({ host: this.#host, port: this.#config.port });
  }

  /** `host:port` that is listened on, the configured one before the start. */
  get address(): string {
    const bound = this.#server.server.address() as AddressInfo | null;
    return formatListenAddress({ host: this.#host, port: bound?.port ?? this.#config.port });
  }

  /** A name that may resolve to ::1 first is taken as 127.0.0.1, as the other doors do. */
  get #host(): string {
    return this.#config.host === 'localhost' ? '127.0.0.1' : this.#config.host;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.close();
  }

  #routes(): void {
    const { telemetry } = this.#dependencies;
    this.#server.get('/health', () => ({ status: 'ok' }));
    this.#server.get('/ready', async (_request, reply) => {
      const reasons = this.#notReadyReasons();
      const ready = reasons.length === 0;
      return reply.code(ready ? 200 : 503).send({ status: ready ? 'ready' : 'not ready', reasons });
    });
    this.#server.get('/metrics', async (_request, reply) => {
      const { contentType, text } = await telemetry.scrape();
      return reply.header('content-type', contentType).send(text);
    });
    this.#server.get('/', async (_request, reply) => {
      const page = renderPage(this.#dependencies.surfaces(), this.#notReadyReasons(), await this.#health());
      return reply.headers(pageHeaders).send(page);
    });
    this.#server.setNotFoundHandler((request, reply) =>
      reply.code(404).send({ status: 404, error: `there is no ${request.method} ${request.url} here` }),
    );
    this.#server.setErrorHandler((error, request, reply) => {
      telemetry.error('the admin door failed to answer', { url: request.url, error });
      return reply.code(500).send({ status: 500, error: 'internal error; the log says more' });
    });
  }

  /** The page is there to be looked at when something is wrong, too. */
  #health(): Promise<Health> {
    return this.#dependencies.readHealth().catch((error: unknown) => ({
      unavailable: error instanceof Error ? error.message : String(error),
    }));
  }

  #notReadyReasons(): string[] {
    return this.#dependencies.readiness.flatMap((each) => each.notReadyReason() ?? []);
  }
}
