import { InvalidArgumentError, Option, type Command } from 'commander';
import type { ApiConfig } from '../app/api/config.ts';
import { listenAddress, type ListenAddress } from './listen-address.ts';
import { unusable } from './read-input.ts';

/** The options of a command that serves the API, as commander names them. */
export interface ApiFlags {
  readonly apiListen?: ListenAddress;
  readonly apiIdentity?: { readonly namespace: string; readonly name: string };
  readonly apiTlsCert?: string;
  readonly apiTlsKey?: string;
  readonly apiConfig?: string;
}

/** Adds the options of the HTTPS API to a command. */
export function withApiOptions(command: Command): Command {
  return command
    .addOption(new Option('--api-listen <address>', 'host:port to serve the HTTPS API on, such as 0.0.0.0:8443 (default: none)').argParser(listenAddress))
    .addOption(new Option('--api-identity <namespace/name>', 'the WorkloadIdentity whose SVID the API serves with (default: mtlsd-api in mtlsd\'s own namespace)').argParser(namespaced))
    .addOption(new Option('--api-tls-cert <file>', 'certificate chain that the API serves with instead, PEM; read again when it changes'))
    .addOption(new Option('--api-tls-key <file>', 'its key, PEM'))
    .addOption(new Option('--api-config <file>', 'issuers of tokens that the API takes, and the identities that their claims give (default: none)'));
}

/** What was said; undefined when no API is to be served. @param namespace where its identity is when nobody says where */
export function apiOptions(flags: ApiFlags, namespace: string): ApiConfig | undefined {
  const { apiListen, apiIdentity, apiTlsCert, apiTlsKey, apiConfig } = flags;
  if ((apiTlsCert === undefined) !== (apiTlsKey === undefined)) throw unusable('--api-tls-cert', '--api-tls-cert and --api-tls-key belong together: name both, or none.');
  if (apiTlsCert !== undefined && apiIdentity !== undefined) throw unusable('--api-identity', 'The API serves with one certificate: name --api-identity or --api-tls-cert, not both.');
  if (apiListen === undefined) {
    if (apiIdentity !== undefined || apiTlsCert !== undefined || apiConfig !== undefined) throw unusable('--api-listen', 'The API is not served without an address: name --api-listen, or leave the other options of it out.');
    return undefined;
  }
  const identity = { kind: 'identity', ...(apiIdentity ?? { namespace, name: 'mtlsd-api' }) } as const;
  const serving = apiTlsCert === undefined || apiTlsKey === undefined ? identity : ({ kind: 'files', cert: apiTlsCert, key: apiTlsKey } as const);
  return { listen: apiListen, serving, configuration: apiConfig };
}

function namespaced(text: string): { readonly namespace: string; readonly name: string } {
  const [namespace = '', name = '', ...more] = text.split('/');
  if (namespace === '' || name === '' || more.length > 0) throw new InvalidArgumentError('write namespace/name of a WorkloadIdentity.');
  return { namespace, name };
}
