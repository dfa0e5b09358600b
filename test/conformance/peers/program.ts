import { LineProgram } from '../line-program.ts';
import type { Environment } from '../../cluster/places.ts';
import type { Outcome, Peer } from './peer.ts';

/** A peer that is a program of its own: `serve FOLDER PEER` says its port first, `dial FOLDER` is asked on stdin. */
export function programPeer(name: string, command: readonly [string, ...string[]], env: Environment): Peer {
  return {
    name,
    serve: async (folder, clientId) => {
      const program = new LineProgram([...command, 'serve', folder, clientId], env);
      const { port } = await program.next<{ port: number }>();
      return { port, next: () => program.next<Outcome>(), [Symbol.asyncDispose]: () => program[Symbol.asyncDispose]() };
    },
    dial: async (folder) => {
      const program = new LineProgram([...command, 'dial', folder], env);
      return {
        dial: (port, serverId, tls) => program.ask<Outcome>({ port, peer: serverId, tls }),
        [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
      };
    },
  };
}
