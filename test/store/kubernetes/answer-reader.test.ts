import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Pool } from 'undici';
import { afterEach, describe, expect, test } from 'vitest';
import { readAnswer } from '../../../src/store/kubernetes/answer-reader.ts';

const closing: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

/** A server that answers as told, and the one connection to it. */
async function connection(answer: (request: IncomingMessage, response: ServerResponse) => void) {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const origin = `http://127.0.0.1:${address.port}`;
  const pool = new Pool(origin, { connections: 1 });
  closing.push(() => server.closeAllConnections(), () => pool.destroy());
  closing.unshift(() => server.close());
  return { pool, ask: (path: string, timeoutMs = 20_000, body: string | null = null) => readAnswer(pool, { origin, method: 'POST', path, body }, timeoutMs) };
}

describe('an answer', () => {
  test('is read whole, whatever its status and wherever its pieces end, after an informational one', async () => {
    const { ask } = await connection((_request, response) => {
      response.writeEarlyHints({ link: '</x>; rel=preload' });
      response.writeHead(409, { 'retry-after': '3' });
      const text = Buffer.from('{"message":"zwölf"}');
      response.write(text.subarray(0, 14)); // in the middle of a character
      setImmediate(() => response.end(text.subarray(14)));
    });
    const { status, headers, text } = await ask('/');
    expect([status, headers['retry-after'], text]).toEqual([409, '3', '{"message":"zwölf"}']);
  });

  test('may be empty', async () => {
    const { ask } = await connection((_request, response) => response.writeHead(204).end());
    expect(await ask('/')).toMatchObject({ status: 204, text: '' });
  });

  test('that breaks off is a failure', async () => {
    const { ask } = await connection((_request, response) => {
      response.writeHead(200, { 'content-length': 100 });
      response.write('half', () => response.destroy());
    });
    await expect(ask('/')).rejects.toMatchObject({ code: 'UND_ERR_SOCKET' });
  });

  test('that does not come in time is a failure, and what waited for its connection that long is never sent', async () => {
    const seen: (string | undefined)[] = [];
    const held = Promise.withResolvers<ServerResponse>();
    const { ask } = await connection(({ url }, response) => {
      seen.push(url);
      if (url === '/held') held.resolve(response);
      else response.end('there');
    });
    const first = ask('/held');
    await expect(ask('/late', 50)).rejects.toMatchObject({ name: 'TimeoutError', message: 'no answer within 0.05s' });
    (await held.promise).end();
    await first;
    expect((await ask('/last')).text).toBe('there');
    expect(seen).toEqual(['/held', '/last']);
  });

  test('that does not come in time after its request was sent is a failure', async () => {
    const { ask } = await connection(() => undefined);
    await expect(ask('/', 50)).rejects.toMatchObject({ name: 'TimeoutError' });
  });

  test('of a pool that is closed is a failure', async () => {
    const { pool, ask } = await connection(() => undefined);
    const pending = ask('/').catch((error: unknown) => error);
    await pool.destroy();
    expect(await pending).toMatchObject({ code: 'UND_ERR_DESTROYED' });
    await expect(ask('/')).rejects.toMatchObject({ code: 'UND_ERR_DESTROYED' });
  });
});
