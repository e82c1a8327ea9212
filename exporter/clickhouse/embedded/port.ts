/** Finds out whether a port can be listened on, and picks one for port 0. Holds nothing: the engine listens itself. */
import { createServer, type AddressInfo } from 'node:net';
import { formatAddress, type ListenAddress } from '../config.ts';
import { EngineUnavailableError } from './platform.ts';

/** Throws {@link EngineUnavailableError} when the address cannot be listened on. */
export async function claimPort(address: ListenAddress): Promise<ListenAddress> {
  const server = createServer();
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(address.port, address.host, resolve);
    });
    return { host: address.host, port: (server.address() as AddressInfo).port };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    const what = code === 'EADDRINUSE' ? 'port taken: another program listens' : `cannot listen (${code})`;
    throw new EngineUnavailableError(
      `${what} on ${formatAddress(address)}; stop it or change exporters.clickhouse.listen`,
      { cause: error },
    );
  } finally {
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
    });
  }
}
