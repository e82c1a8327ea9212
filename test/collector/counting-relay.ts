/**
 * A TCP relay in front of a server that counts the bytes going there: shows whether a client compresses.
 * Owns the listening socket and its connections; understands nothing of what passes.
 */
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { pipeline } from 'node:stream/promises';

export class CountingRelay implements AsyncDisposable {
  /** Bytes from clients to the server. */
  bytesSent = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server) {
    this.#server = server;
  }

  /** @param target `host:port` */
  static async start(target: string): Promise<CountingRelay> {
    const { hostname, port } = new URL(`tcp://${target}`);
    const server = createServer();
    const relay = new CountingRelay(server);
    server.on('connection', (client) => relay.#join(client, connect(Number(port), hostname)));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return relay;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #join(client: Socket, server: Socket): void {
    for (const socket of [client, server]) this.#sockets.add(socket);
    client.on('data', (bytes: Buffer) => (this.bytesSent += bytes.length));
    // Either side's end or error destroys both: what a client sees is what the server did.
    const both = Promise.all([pipeline(client, server), pipeline(server, client)]);
    both.catch(() => [client, server].forEach((socket) => socket.destroy()));
  }
}
