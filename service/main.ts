/**
 * The composition root: every stage, what it is given, and the order of their lives.
 * Owns no behaviour. Changing the order or adding a stage is one line here.
 */
import process from 'node:process';
import { ClickHouseExporter } from '../exporter/clickhouse/clickhouse-exporter.ts';
import { Processor } from '../processor/processor.ts';
import { OtlpReceiver } from '../receiver/otlp/otlp-receiver.ts';
import { defaultDialects } from '../schema/dialects/registry.ts';
import { AdminServer } from './admin/admin-server.ts';
import { ServicePhase } from './admin/service-phase.ts';
import { banner } from './cli/banner.ts';
import { runCommand } from './cli/run-command.ts';
import { namingSetting } from './cli/start-failure.ts';
import { stopSignal } from './cli/stop-signal.ts';
import type { ServiceConfig } from './config/service-config.ts';
import { StorageDirectory } from './storage/storage-directory.ts';
import { ServiceTelemetry } from './telemetry/service-telemetry.ts';

const io = {
  environment: process.env,
  out: (text: string) => void process.stdout.write(text),
  err: (text: string) => void process.stderr.write(text),
};
process.exitCode = await runCommand(process.argv.slice(2), io, serve);

async function serve(config: ServiceConfig): Promise<void> {
  const telemetry = new ServiceTelemetry(config.telemetry, process.stderr);
  const phase = new ServicePhase();
  const clock = { now: () => Date.now() * 1000 };
  const dialects = defaultDialects;

  // Declared downstream first; disposed in reverse: the receiver stops accepting, the processor flushes, the
  // exporter drains. The admin door is first, so that it still answers while the others stop.
  await using storage = await StorageDirectory.open(config.storageDirectory);
  await using admin = new AdminServer(config.admin, {});
  await using exporter = new ClickHouseExporter(config.exporter, {
    writer: storage.writer,
    storageDirectory: storage.path,
    telemetry,
  });
  await using processor = new Processor(config.processor, { next: exporter, dialects, clock, telemetry });
  await using receiver = new OtlpReceiver(config.receiver, { next: processor, watch: processor, dialects, telemetry });
}
