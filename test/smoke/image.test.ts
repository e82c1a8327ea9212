/** The Dockerfile, step by step, without Docker: its files, its environment, its user, its command, its health check. */
import { chmodSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { delimiter, dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { repository, temporaryDirectory } from '../../bench/started-service.ts';
import { buildImage, inRoot, parseDockerfile, type Image } from './dockerfile.ts';
import { oneRun } from './one-run.ts';
import { run, RunningService } from './running-service.ts';

const directory = temporaryDirectory();
let image: Image;

beforeAll(() => {
  // Other users have to be able to look into it.
  chmodSync(directory, 0o755);
  image = buildImage(parseDockerfile(readFileSync(join(repository, 'Dockerfile'), 'utf8')), repository, directory);
}, 300_000);
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** The command as the container would run it; as the container's user when this machine lets us. */
function container(env: Readonly<Record<string, string>>): RunningService {
  const [program, ...args] = image.command.map((word) => inRoot(image, word));
  expect(program).toBe('node');
  const [uid, gid] = image.user.split(':').map(Number);
  const asUser = process.getuid?.() === 0 ? { uid: uid!, gid: gid! } : {};
  return new RunningService([], {
    command: [process.execPath, ...args],
    cwd: join(image.root, image.workdir),
    exactEnv: { PATH: [dirname(process.execPath), '/usr/bin', '/bin'].join(delimiter), ...env },
    ownStorage: true,
    ...asUser,
  });
}

/** HTTP from 127.0.0.2 to 127.0.0.2: a server on 127.0.0.1 does not hear it. */
function fromOutside(url: string, body?: string): Promise<number> {
  const { port, pathname } = new URL(url);
  const method = body === undefined ? 'GET' : 'POST';
  return new Promise((done, fail) => {
    const outgoing = request(
      { host: '127.0.0.2', port, path: pathname, method, headers: { 'content-type': 'application/json' } },
      (answer) => {
        answer.resume();
        done(answer.statusCode ?? 0);
      },
    );
    outgoing.once('error', fail).end(body);
  });
}

test('without FINISHLINE_BIND nothing is reached from outside', async () => {
  const { FINISHLINE_BIND: bind, ...rest } = image.env;
  expect(bind).toBe('0.0.0.0');
  await using service = container(rest);
  await service.ready();
  await expect(fromOutside(`${service.admin}/ready`)).rejects.toThrow('ECONNREFUSED');
  await expect(fromOutside(`${service.http}/v1/traces`, oneRun('outside').body)).rejects.toThrow('ECONNREFUSED');
});

test('with its own environment it is ready and takes spans from outside, SQL stays inside', async () => {
  await using service = container(image.env);
  await service.ready();
  const admin = service.admin.replace('0.0.0.0', '127.0.0.1');
  const http = service.http.replace('0.0.0.0', '127.0.0.1');
  expect(await fromOutside(`${admin}/ready`)).toBe(200);
  expect(await fromOutside(`${http}/v1/traces`, oneRun('outside').body)).toBe(200);
  await expect(fromOutside(service.sql)).rejects.toThrow('ECONNREFUSED');
  const count = `SELECT count() FROM runs WHERE process = 'outside'`;
  await service.until(async () => ((await service.query(count)).trim() === '1' ? true : undefined), 'to write the run');
  expect(service.log.filter(({ message }) => message === 'security.open_listener')).toHaveLength(3);

  const [program, ...args] = image.healthcheck;
  const check = [...args].map((word) => word.replace('http://127.0.0.1:8090', admin));
  expect(await run([program!, ...check])).toMatchObject({ code: 0 });
  expect(await service.stop()).toEqual({ code: 0, signal: null });
  expect(await run([program!, ...check])).toMatchObject({ code: 1 });
  expect(service.err).not.toContain('Warning');
});

test('exposes the ports that the defaults listen on, not the SQL door', () => {
  expect(image.ports).toEqual(['4317', '4318', '8090']);
});
