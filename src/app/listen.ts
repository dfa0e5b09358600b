import { MtlsdError } from '../errors/index.ts';

const why: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another process listens there: stop it, or choose another port',
  EACCES: 'mtlsd may not listen there: choose a port of 1024 or above, or give it the right (CAP_NET_BIND_SERVICE)',
  EADDRNOTAVAIL: 'this machine has no such address: choose one that it has, or 0.0.0.0 for all of them',
  ENOTFOUND: 'the name of the host is not known: write an address that this machine has',
  EAI_AGAIN: 'the name of the host cannot be looked up: write an address that this machine has',
};

/**
 * Has a server listen. @returns where it does
 * @throws MtlsdError ADDRESS_UNAVAILABLE that says why not, and what to do
 */
export async function listenAt(server: { listen(at: { readonly host: string; readonly port: number }): Promise<string> }, at: { readonly host: string; readonly port: number }): Promise<string> {
  try {
    return await server.listen(at);
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    const address = `${at.host.includes(':') ? `[${at.host}]` : at.host}:${at.port}`;
    throw new MtlsdError('ADDRESS_UNAVAILABLE', `${address} cannot be listened on (${code}): ${why[code] ?? 'choose another address'}.`, { details: { address }, cause: error });
  }
}
