import { entry } from '../entry.ts';

/** Errors of the command line and of what it is given. */
export const configurationErrors = {
  CONFIGURATION_INVALID: entry<{ readonly option: string }>({
    meaning: 'An option or argument has a value that cannot be used.',
    remedy: 'Correct the option that the message names; `--help` shows what it takes.',
    status: 400,
    retry: 'never',
    reason: 'ConfigurationInvalid',
  }),
  OUTPUT_NOT_FOUND: entry<{ readonly path: string }>({
    meaning: 'The folder holds no output of `mtlsd run`.',
    remedy: 'Name the folder that `mtlsd run` was given as `--out`.',
    status: 404,
    retry: 'never',
    reason: 'OutputNotFound',
  }),
  ADDRESS_UNAVAILABLE: entry<{ readonly address: string }>({
    meaning: 'mtlsd cannot listen on the address that it was given.',
    remedy: 'Stop what listens there, or choose another address; the message says which it is and why.',
    status: 503,
    retry: 'never',
    reason: 'AddressUnavailable',
  }),
  TLS_PEER_UNAVAILABLE: entry<{ readonly address: string }>({
    meaning: 'The server cannot be reached, or presented no certificate in a TLS handshake.',
    remedy: 'Check the address, and that this port speaks TLS 1.2 or 1.3; the message says what the server did.',
    status: 502,
    retry: 'never',
    reason: 'PeerUnavailable',
  }),
} as const;
