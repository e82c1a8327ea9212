/** HTTP as bytes on a socket, so that a test sends what no client library would. */
import { connect, type Socket } from 'node:net';

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** One connection; answers are read in order. */
export class HttpClient implements Disposable {
  readonly #socket: Socket;
  #received = Buffer.alloc(0);
  #closed = false;
  #wake: () => void = () => {};

  constructor(port: number) {
    this.#socket = connect(port, '127.0.0.1');
    this.#socket.on('data', (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#wake();
    });
    this.#socket.on('error', () => {});
    this.#socket.on('close', () => {
      this.#closed = true;
      this.#wake();
    });
  }

  /** Writes bytes as they are. */
  write(...parts: (string | Buffer)[]): void {
    for (const part of parts) this.#socket.write(part);
  }

  /** Ends the sending side. */
  end(): void {
    this.#socket.end();
  }

  /** Sends a request with a Content-Length. */
  send(method: string, path: string, headers: Readonly<Record<string, string>>, body: Buffer | string = ''): void {
    const bytes = Buffer.from(body);
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    const length = 'Transfer-Encoding' in headers ? '' : `Content-Length: ${bytes.length}\r\n`;
    this.write(`${method} ${path} HTTP/1.1\r\nHost: test\r\n${length}${lines.join('')}\r\n`, bytes);
  }

  /** The next answer; rejects when the connection ends without one. `HEAD` answers have no body. */
  async answer(method = 'POST'): Promise<HttpAnswer> {
    for (;;) {
      const answer = this.#take(method);
      if (answer !== undefined) return answer;
      if (this.#closed) throw new Error('the connection was closed without an answer');
      await this.#more();
    }
  }

  /** Resolves when the server has closed the connection. */
  async closed(): Promise<void> {
    while (!this.#closed) await this.#more();
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }

  #more(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  #take(method: string): HttpAnswer | undefined {
    const end = this.#received.indexOf('\r\n\r\n');
    if (end < 0) return undefined;
    const [statusLine, ...lines] = this.#received.toString('latin1', 0, end).split('\r\n');
    const pairs = lines.map((line) => [
      line.slice(0, line.indexOf(':')).toLowerCase(),
      line.slice(line.indexOf(':') + 1).trim(),
    ]);
    const headers = Object.fromEntries(pairs) as Record<string, string>;
    const status = Number(statusLine!.split(' ')[1]);
    const length = method === 'HEAD' || status === 100 ? 0 : Number(headers['content-length'] ?? 0);
    if (this.#received.length < end + 4 + length) return undefined;
    const body = this.#received.subarray(end + 4, end + 4 + length);
    this.#received = this.#received.subarray(end + 4 + length);
    return { status, headers, body };
  }
}

/** One request on a connection of its own. */
export async function request(
  port: number,
  method: string,
  path: string,
  headers: Readonly<Record<string, string>>,
  body: Buffer | string = '',
): Promise<HttpAnswer> {
  using client = new HttpClient(port);
  client.send(method, path, headers, body);
  // Awaited here: the connection lives as long as this function.
  return await client.answer(method);
}
