/**
 * The child process that hosts the ClickHouse engine: opens its library and runs its own server with the given argv.
 * Owns nothing else; the supervisor (engine.ts) starts, watches and stops it. Runs as a program, is never imported.
 * Usage: launcher.ts <library> <argv of clickhouse…>, with an IPC channel to the parent.
 */
import { DataType, load, open } from 'ffi-rs';

const [library, ...argv] = process.argv.slice(2);
if (library === undefined || process.send === undefined)
  throw new Error('usage: launcher.ts <library> <argv…>, with an IPC channel');

// Ctrl-C and a service manager's SIGTERM reach the whole process group: the parent decides when the engine ends.
process.on('SIGINT', ignore);
process.on('SIGTERM', ignore);
process.on('SIGHUP', ignore);

// The channel closes when the parent dies, however it dies. Nobody waits for an insert then, and every confirmed one
// is on disk; `process.exit` would not end a process whose engine is still serving.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
process.on('message', ignore);

open({ library: 'engine', path: library });
// Settles when the last statement ends. Its result must not be read: after a failed start that crashes the process.
await load({
  library: 'engine',
  funcName: 'chdb_query_cmdline',
  retType: DataType.External,
  paramsType: [DataType.I32, DataType.StringArray],
  paramsValue: [argv.length, argv],
  // On a thread of its own: the main thread has to hear the channel close.
  runInNewThread: true,
});
process.exit(0);

function ignore(): void {}
