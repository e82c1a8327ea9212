/**
 * One run of the engine's child process: started, asked whether it answers, ended.
 * Owns the process and the tail of what it wrote to stderr; when to start it again is the supervisor's business.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const stderrTailChars = 8_000;

export interface EngineExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** What it wrote to stderr at the end: the engine tells its errors there and then exits with 0. */
  readonly stderr: string;
}

export class EngineProcess {
  readonly #child: ChildProcess;
  #stderr = '';
  #exit: EngineExit | undefined;
  /** Resolves when the process is gone; never rejects. */
  readonly exited: Promise<EngineExit>;

  constructor(library: string, argv: readonly string[], directory: string) {
    this.#child = spawn(process.execPath, [fileURLToPath(new URL('launcher.ts', import.meta.url)), library, ...argv], {
      // Nothing of the service's environment: a reader's `file('/proc/self/environ')` must not show its secrets.
      env: { TZ: 'UTC' },
      cwd: directory,
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      // A process group of its own, so that Ctrl-C at a terminal does not end the engine before the last inserts.
      detached: true,
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
      this.#stderr = (this.#stderr + chunk).slice(-stderrTailChars);
    });
    this.exited = new Promise((resolve) => {
      const finish = (code: number | null, signal: NodeJS.Signals | null): void => {
        this.#exit = { code, signal, stderr: this.#stderr };
        resolve(this.#exit);
      };
      // `close`, not `exit`: stderr has been read to its end then.
      this.#child.once('close', finish);
      this.#child.once('error', (error) => {
        this.#stderr += error.message;
        if (this.#child.pid === undefined) finish(null, null);
      });
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** How it ended; undefined while it runs. */
  get exit(): EngineExit | undefined {
    return this.#exit;
  }

  /** Ends it at once. Safe: every confirmed insert is on disk. */
  async kill(): Promise<void> {
    if (this.#exit === undefined) this.#child.kill('SIGKILL');
    await this.exited;
  }
}
