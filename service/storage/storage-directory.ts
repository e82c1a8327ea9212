/**
 * The directory that one instance keeps its data in: created, writable, held by one process, with the writer's id.
 * Owns the directory itself, the id and the lock; what lies in it belongs to the stages.
 * The lock is a socket: the kernel lets go of it when its process ends, however it ends.
 */
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, stat, unlink, writeFile } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { dirname, join, relative, resolve } from 'node:path';
import { ConfigurationError } from '../config/configuration-error.ts';

const writerFile = 'writer-id';
const lockFile = 'lock.sock';
/** sun_path of the smallest system (macOS), less the closing zero. */
const maxSocketPathBytes = 103;

export class StorageDirectory implements AsyncDisposable {
  /** Absolute. */
  readonly path: string;
  /** The stable random id of this directory: one Finishline instance. */
  readonly writer: string;
  readonly #lock: Server;

  private constructor(path: string, writer: string, lock: Server) {
    this.path = path;
    this.writer = writer;
    this.#lock = lock;
  }

  /** @throws ConfigurationError when the directory cannot be written to or another process holds it. */
  static async open(directory: string): Promise<StorageDirectory> {
    const path = resolve(directory);
    try {
      await makeDirectory(path);
      const lock = await takeLock(path);
      return new StorageDirectory(path, await writerId(path), lock);
    } catch (error) {
      if (error instanceof ConfigurationError) throw error;
      const reason = (error as NodeJS.ErrnoException).code ?? String(error);
      throw new ConfigurationError([`service.storage.directory: cannot write to ${path}: ${reason}`], { cause: error });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#lock.listening) return;
    await new Promise((done) => this.#lock.close(done));
  }
}

/** Not `mkdir` with `recursive`: where the kernel refuses with ENOENT (/proc), that never ends (Node 24.21). */
async function makeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' && (await stat(path)).isDirectory()) return;
    if (code !== 'ENOENT' || existsSync(dirname(path))) throw error;
    await makeDirectory(dirname(path));
    await mkdir(path);
  }
}

async function takeLock(directory: string): Promise<Server> {
  const path = socketPath(directory);
  for (let attempt = 1; ; attempt++) {
    try {
      return await listen(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    }
    if (attempt === 3 || (await answers(path))) {
      throw new ConfigurationError([
        `service.storage.directory: ${directory} is in use by another Finishline; stop it, or give this one a directory of its own`,
      ]);
    }
    // Its process is gone; a start that races with this one is decided by who listens first.
    await unlink(path).catch(() => {});
  }
}

function socketPath(directory: string): string {
  const absolute = join(directory, lockFile);
  const short = relative('', absolute);
  const path = short.length < absolute.length ? short : absolute;
  if (Buffer.byteLength(path) > maxSocketPathBytes) {
    throw new ConfigurationError([
      `service.storage.directory: ${directory} is too long a path, at most ${maxSocketPathBytes - lockFile.length - 1} bytes`,
    ]);
  }
  return path;
}

function listen(path: string): Promise<Server> {
  const server = createServer((socket) => socket.destroy());
  server.unref();
  return new Promise((done, fail) => {
    server.once('error', fail);
    server.listen(path, () => done(server));
  });
}

function answers(path: string): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(path);
    socket.once('connect', () => done(true)).once('error', () => done(false));
    socket.once('close', () => socket.destroy());
  });
}

async function writerId(directory: string): Promise<string> {
  const path = join(directory, writerFile);
  try {
    const id = (await readFile(path, 'utf8')).trim();
    if (/^[0-9a-f-]{36}$/.test(id)) return id;
    throw new ConfigurationError([
      `service.storage.directory: ${path} does not hold a writer id; restore it, or remove it to begin as a new writer`,
    ]);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const id = randomUUID();
  await writeFile(`${path}.new`, `${id}\n`, { flush: true });
  await rename(`${path}.new`, path);
  return id;
}
