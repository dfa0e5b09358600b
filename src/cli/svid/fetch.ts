import { constants } from 'node:os';
import { Command, InvalidArgumentError, Option } from 'commander';
import { isMtlsdError } from '../../errors/index.ts';
import { createLog, logLevels, type LogFormat, type LogLevel } from '../../app/log.ts';
import { exitCodes } from '../exit-codes.ts';
import type { CliIo } from '../io.ts';
import { readInput, unusable } from '../read-input.ts';

interface FetchOptions {
  readonly api: string;
  readonly caFile?: string;
  readonly systemRoots?: boolean;
  readonly tokenFile: string;
  readonly out: string;
  readonly identity?: string;
  readonly ttl?: string;
  readonly jwtAudience?: string;
  readonly watch?: boolean;
  readonly signal?: NodeJS.Signals;
  readonly pidFile?: string;
  readonly logFormat: LogFormat;
  readonly logLevel: LogLevel;
}

/** `mtlsd svid`: SVIDs of the HTTPS API. */
export function svidCommand(io: CliIo, untilStopped: () => Promise<void>): Command {
  return new Command('svid').description('Get SVIDs from the HTTPS API of a running mtlsd.').helpCommand(false).addCommand(fetchCommand(io, untilStopped));
}

function fetchCommand(io: CliIo, untilStopped: () => Promise<void>): Command {
  return new Command('fetch')
    .description('Make a key, have the API certify it, and put both into a folder; with --watch, keep it fresh.')
    .requiredOption('--api <url>', 'address of the API, such as https://mtlsd-api.mtlsd-system.svc:8443', httpsUrl)
    .option('--ca-file <file>', 'roots that the API is verified by, PEM: ca.crt of its trust domain; read again for each request')
    .option('--system-roots', 'verify the API by the roots of this system instead')
    .requiredOption('--token-file <file>', 'the token that says who asks; read again for each request')
    .requiredOption('--out <folder>', 'a folder of its own for tls.crt, tls.key, ca.crt, credential-bundle.pem, bundle.json and jwt_svid.token')
    .option('--identity <name>', 'which WorkloadIdentity of the own namespace (default: the oldest that is for the service account)')
    .option('--ttl <duration>', 'how long certificates are to live, where that is shorter than their identity says, such as 30m')
    .option('--jwt-audience <audience>', 'fetch a JWT-SVID for this audience, too, into jwt_svid.token')
    .option('--watch', 'keep the folder fresh until SIGINT or SIGTERM')
    .addOption(new Option('--signal <name>', 'a signal for the process of --pid-file after each change, such as HUP').argParser(signalName))
    .option('--pid-file <file>', 'holds the number of the process that is signalled')
    .addOption(new Option('--log-format <format>', 'how log lines look').choices(['text', 'json']).default('text'))
    .addOption(new Option('--log-level <level>', 'which log lines are written').choices([...logLevels]).default('info'))
    .addHelpText(
      'after',
      `
The key is made here and never leaves the folder. All files change at once
(..data is a link to the newest generation), and what is there stays until
something newer is. A JWT-SVID lives much shorter than the certificate: read its
file for each use, as no process is signalled when it alone changes.

With --watch nothing but a signal ends it: failures are logged and tried again,
sooner the less life is left. When a root is rotated, the new one comes before
anything is signed below it; where nobody else keeps the file of --ca-file up to
date, name the folder's own ca.crt from then on. Without --watch, the status is
1 when the API refuses, and 3 when it cannot be asked.`,
    )
    .action((options: FetchOptions) => fetchSvid(io, options, untilStopped));
}

async function fetchSvid(io: CliIo, options: FetchOptions, untilStopped: () => Promise<void>): Promise<void> {
  if ((options.caFile === undefined) === (options.systemRoots !== true)) throw unusable('--ca-file', 'Say by what the API is verified: --ca-file or --system-roots, one of the two.');
  if ((options.signal === undefined) !== (options.pidFile === undefined)) throw unusable('--signal', '--signal and --pid-file belong together: name both, or none.');
  const ca = options.caFile === undefined ? async () => Promise.resolve(undefined) : await rootsIn(io, options.caFile);
  const log = createLog({ format: options.logFormat, level: options.logLevel, colour: io.isTerminal, write: io.stderr });
  const { fetchOnce, keepFresh } = await import('../../app/svid-client/keep-svid.ts');
  const keeping = {
    server: { api: options.api, ca, tokenFile: options.tokenFile, identity: options.identity, ttl: options.ttl },
    out: options.out,
    jwtAudience: options.jwtAudience,
    signalled: options.signal === undefined || options.pidFile === undefined ? undefined : { signal: options.signal, pidFile: options.pidFile },
    clock: { nowMs: io.nowMs },
    log,
  };
  const stop = new AbortController();
  if (options.watch !== true) {
    return once(io, () => fetchOnce(keeping, stop.signal));
  }
  const keeps = keepFresh(keeping, stop.signal);
  await Promise.race([untilStopped(), keeps]);
  stop.abort();
  await keeps;
}

/** A file that is not there is told at once. What comes on standard input comes once. */
async function rootsIn(io: CliIo, file: string): Promise<() => Promise<string>> {
  const read = async (): Promise<string> => new TextDecoder().decode(await readInput(io, '--ca-file', file));
  const first = await read();
  return file === '-' ? async () => Promise.resolve(first) : read;
}

/** A refusal is an answer: no option is wrong, and nothing is missing. */
async function once(io: CliIo, fetch: () => Promise<string>): Promise<void> {
  try {
    io.stdout(`${await fetch()}\n`);
  } catch (error) {
    if (!isMtlsdError(error, 'API_REFUSED')) throw error;
    io.stderr(`mtlsd: ${error.message}\n`);
    io.setExitCode(exitCodes.no);
  }
}

function httpsUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'https:' || url.username !== '' || url.password !== '') throw new InvalidArgumentError('write https://host:port.');
  return url.origin;
}

function signalName(text: string): NodeJS.Signals {
  const name = text.startsWith('SIG') ? text : `SIG${text}`;
  if (!Object.hasOwn(constants.signals, name)) throw new InvalidArgumentError('write the name of a signal, such as HUP or USR1.');
  return name as NodeJS.Signals;
}
