import { LineProgram } from '../line-program.ts';
import type { Environment } from '../../cluster/places.ts';
import type { Outcome, Peer } from './peer.ts';

/**
 * A peer that is one program for all of its ends, each on a channel of its own: what takes long to start is started once. It
 * reads an identity's files again for each handshake, as one that serves a single identity does.
 */
export function sharedPeer(name: string, command: readonly [string, ...string[]], env: Environment): Peer & AsyncDisposable {
  const program = new LineProgram([...command, 'mesh'], env);
  let ends = 0;
  const nextChannel = (): string => `end-${(ends += 1)}`;
  return {
    name,
    serve: async (folder, clientId) => {
      const channel = nextChannel();
      const { port } = await program.ask<{ port: number }>({ serve: folder, peer: clientId }, channel);
      return { port, next: () => program.next<Outcome>(channel), [Symbol.asyncDispose]: async () => program.tell({ close: true }, channel) };
    },
    dial: async (folder) => {
      const channel = nextChannel();
      return {
        dial: (port, serverId, tls) => program.ask<Outcome>({ dial: folder, port, peer: serverId, tls }, channel),
        // Every handshake closed its own socket.
        [Symbol.asyncDispose]: async () => undefined,
      };
    },
    [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
  };
}
