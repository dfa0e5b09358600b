import { once } from 'node:events';
import type { AddressInfo, Server as NetServer, Socket } from 'node:net';
import type { Outcome, Server } from './peer.ts';

/** Outcomes in the order in which they came, each read once, before or after it came. */
export class Outcomes {
  readonly #unread: Outcome[] = [];
  readonly #waiting: ((outcome: Outcome) => void)[] = [];

  report(outcome: Outcome): void {
    const first = this.#waiting.shift();
    if (first === undefined) this.#unread.push(outcome);
    else first(outcome);
  }

  async next(): Promise<Outcome> {
    return this.#unread.shift() ?? new Promise<Outcome>((resolve) => this.#waiting.push(resolve));
  }
}

/** Lets a server listen on a port of its own until it is disposed of; what is still connected then is cut off. */
export async function listening(server: NetServer, outcomes: Outcomes): Promise<Server> {
  const open = new Set<Socket>();
  server.on('connection', (socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    next: () => outcomes.next(),
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close');
      server.close();
      for (const socket of open) socket.destroy();
      await closed;
    },
  };
}
