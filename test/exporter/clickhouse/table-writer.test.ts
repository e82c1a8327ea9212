import { describe, expect, test } from 'vitest';
import { QueueBudget } from '../../../exporter/clickhouse/queue-budget.ts';
import { TableWriter, type Block } from '../../../exporter/clickhouse/table-writer.ts';

/** Takes blocks and confirms each only when it is told to. */
class ManualServer {
  readonly received: Block[] = [];
  readonly texts: string[] = [];
  #confirm: ((free: boolean) => void)[] = [];

  readonly send = (block: Block): Promise<boolean> => {
    this.received.push(block);
    // At once: a confirmed block's bytes are written over.
    this.texts.push(block.bytes.toString('latin1'));
    return new Promise((resolve) => {
      this.#confirm.push(resolve);
    });
  };

  async confirm(): Promise<void> {
    this.#confirm.shift()!(true);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function setUp(limits: { maxRows?: number; maxBytes?: number; maxAgeMs?: number } = {}, maxRows = 1_000) {
  const server = new ManualServer();
  const budget = new QueueBudget({ maxBytes: 1 << 20, maxRows });
  const writer = new TableWriter<string>({
    table: 'runs_data',
    encode: (sink, row) => {
      const at = sink.begin();
      if (row === 'half') sink.uint8(at, 0x2a);
      if (row === 'half') throw new Error('cannot be encoded');
      sink.end(sink.raw(at, Buffer.from(row)));
    },
    partitionOf: (row) => row.charCodeAt(0),
    writer: 'w',
    limits: { maxRows: 1_000, maxBytes: 1 << 20, maxAgeMs: 1 << 30, ...limits },
    budget,
    send: server.send,
  });
  return { server, budget, writer };
}

describe('a block is closed', () => {
  test('by rows', () => {
    const { server, writer } = setUp({ maxRows: 2 });
    writer.append(['a', 'b', 'c']);
    expect(server.texts).toEqual(['ab']);
    expect(server.received[0]!.rows).toBe(2);
  });

  test('by bytes', () => {
    const { server, writer } = setUp({ maxBytes: 4 });
    writer.append(['abcde', 'f']);
    expect(server.texts).toEqual(['abcde']);
  });

  test('by age', async () => {
    const { server, writer } = setUp({ maxAgeMs: 1 });
    writer.append(['a']);
    expect(server.texts).toEqual([]);
    while (server.received.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    expect(server.texts).toEqual(['a']);
  });

  test('by partitions: never more than 50 in one', async () => {
    const { server, writer } = setUp();
    writer.append(Array.from({ length: 120 }, (_, i) => String.fromCharCode(i)));
    await server.confirm();
    const flushed = writer.flush();
    await server.confirm();
    await server.confirm();
    await flushed;
    expect(server.received.map(({ rows }) => rows)).toEqual([50, 50, 20]);
  });
});

describe('order', () => {
  test('one block on its way, the next after its confirmation; the open one grows meanwhile', async () => {
    const { server, writer } = setUp({ maxRows: 2 });
    writer.append(['a', 'b', 'c', 'd', 'e']);
    expect(server.texts).toEqual(['ab']);
    await server.confirm();
    expect(server.texts).toEqual(['ab', 'cd']);
    await server.confirm();
    expect(server.texts).toEqual(['ab', 'cd']);
    writer.append(['f']);
    expect(server.texts).toEqual(['ab', 'cd', 'ef']);
  });

  test('flush waits for what was appended before it, not for what comes after', async () => {
    const { server, writer } = setUp();
    await writer.flush();
    writer.append(['a']);
    let flushed = false;
    const flush = writer.flush().then(() => {
      flushed = true;
    });
    writer.append(['b']);
    await new Promise((resolve) => setImmediate(resolve));
    expect(flushed).toBe(false);
    await server.confirm();
    await flush;
    expect(server.texts).toEqual(['a']);
  });
});

describe('memory', () => {
  test('of a confirmed block is written over, never that of one on its way', async () => {
    const { server, writer } = setUp({ maxRows: 1 });
    for (const row of ['a', 'b', 'c', 'd', 'e', 'f']) {
      writer.append([row]);
      const onTheWay = server.received.at(-1)!;
      writer.append(['x']);
      expect(onTheWay.bytes.toString('latin1')).toBe(row);
      await server.confirm();
      expect(server.received.at(-1)!.bytes.toString('latin1')).toBe('x');
      await server.confirm();
    }
    expect(server.texts).toEqual(['a', 'x', 'b', 'x', 'c', 'x', 'd', 'x', 'e', 'x', 'f', 'x']);
    expect(new Set(server.received.map(({ bytes }) => bytes.buffer)).size).toBeLessThan(12);
  });
});

describe('the budget', () => {
  test('counts until confirmation and lets waiters in', async () => {
    const { server, budget, writer } = setUp({ maxRows: 2 }, 3);
    writer.append(['aa', 'bb', 'cc']);
    expect([budget.rows, budget.bytes, budget.hasRoom()]).toEqual([3, 6, false]);
    let entered = false;
    const room = budget.room().then(() => {
      entered = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(entered).toBe(false);
    await server.confirm();
    await room;
    expect([budget.rows, budget.bytes]).toEqual([1, 2]);
  });

  test('half a row is taken back', async () => {
    const { server, budget, writer } = setUp();
    expect(() => writer.append(['a', 'half'])).toThrow('cannot be encoded');
    writer.append(['b']);
    const flushed = writer.flush();
    await server.confirm();
    await flushed;
    expect(server.texts).toEqual(['ab']);
    expect(budget.rows).toBe(0);
  });
});
