/**
 * The composition root: every stage, what it is given, and the order of their lives.
 * Owns no behaviour. To add a stage or change the order is one line here.
 */
import process from 'node:process';
import { ClickHouseExporter } from '../exporter/clickhouse/clickhouse-exporter.ts';
import { Processor } from '../processor/processor.ts';
import { OtlpReceiver } from '../receiver/otlp/otlp-receiver.ts';
import { defaultDialects as dialects } from '../schema/dialects/registry.ts';
import { AdminServer } from './admin/admin-server.ts';
import { readProcessHealth } from './admin/process-health.ts';
import { ServicePhase } from './admin/service-phase.ts';
import { banner } from './admin/surfaces.ts';
import { runCommand, type CommandIo } from './cli/run-command.ts';
import { stopSignal } from './cli/stop-signal.ts';
import type { ServiceConfig } from './config/service-config.ts';
import { StorageDirectory } from './storage/storage-directory.ts';
import { ServiceTelemetry } from './telemetry/service-telemetry.ts';

const io: CommandIo = {
  environment: process.env,
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
};
process.exitCode = await runCommand(process.argv.slice(2), io, serve);

async function serve(config: ServiceConfig): Promise<void> {
  const telemetry = new ServiceTelemetry(config.telemetry, process.stderr, process);
  for (const note of config.notes) telemetry.info(note);
  for (const warning of config.securityWarnings) telemetry.warn('security.open_listener', { warning });
  const clock = { now: () => Date.now() * 1000 };
  const phase = new ServicePhase();

  // Declared downstream first, disposed in reverse: the receiver stops accepting, the processor flushes, the exporter
  // drains. The admin door comes before them, so that it answers while they start and stop.
  await using storage = await StorageDirectory.open(config.storageDirectory);
  const surfaces = () => ({
    ...receiver.addresses,
    sql: exporter.sqlUrl,
    admin: admin.address,
    storageDirectory: storage.path,
  });
  const readiness = [phase, { notReadyReason: () => exporter.notReadyReason() }];
  const readHealth = async () => readProcessHealth(exporter.reader);
  await using admin = new AdminServer(config.admin, { readiness, surfaces, readHealth, telemetry });
  const { path: storageDirectory } = storage;
  // Panes live in memory until there is a journal: every start writes panes of its own, and readers add them up.
  const writer = `${storage.writer}.${clock.now()}`;
  await using exporter = new ClickHouseExporter(config.exporter, { writer, storageDirectory, telemetry });
  await using processor = new Processor(config.processor, { next: exporter, dialects, clock, telemetry });
  await using receiver = new OtlpReceiver(config.receiver, { next: processor, watch: processor, dialects, telemetry });

  const stop = stopSignal(process, telemetry);
  for (const stage of [admin, exporter, processor, receiver]) await stage.start();
  phase.enter('up');
  io.out(banner(surfaces()));
  await stop;
  phase.enter('stopping');
}
