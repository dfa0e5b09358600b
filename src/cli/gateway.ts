import { Command, Option } from 'commander';
import { openAuditSettings } from '../app/audit/settings.ts';
import { readGatewayConfiguration } from '../app/gateway/configuration.ts';
import { createLog, logLevels, type LogFormat, type LogLevel } from '../app/log.ts';
import { auditOptions, withAuditOptions, type AuditFlags } from './audit/options.ts';
import type { CliIo } from './io.ts';
import { listenAddress, type ListenAddress } from './listen-address.ts';
import { readInput } from './read-input.ts';

interface GatewayOptions extends AuditFlags {
  readonly config: string;
  readonly identity: string;
  readonly listen: ListenAddress;
  readonly metricsListen?: ListenAddress;
  readonly logFormat: LogFormat;
  readonly logLevel: LogLevel;
}

/** `mtlsd gateway`: forward authorisation, in a process without any key of an authority. */
export function gatewayCommand(io: CliIo, untilStopped: () => Promise<void>): Command {
  const command = new Command('gateway')
    .description('Judge tokens for gateways that present their SVID (forward authorisation).')
    .requiredOption('--config <file>', 'trusted issuers, rules for their tokens, and which gateway asks by which rules')
    .requiredOption('--identity <folder>', 'the SVID that it serves with: tls.crt, tls.key and ca.crt, as mtlsd delivers them')
    .addOption(new Option('--listen <address>', 'host:port to serve on').argParser(listenAddress).default({ host: '0.0.0.0', port: 8444 }, '0.0.0.0:8444'))
    .option('--metrics-listen <address>', 'host:port for /livez, /readyz and /metrics, such as 0.0.0.0:9465 (default: none)', listenAddress)
    .addOption(new Option('--log-format <format>', 'how log lines look').choices(['text', 'json']).default('json'))
    .addOption(new Option('--log-level <level>', 'which log lines are written').choices([...logLevels]).default('info'))
    .addHelpText(
      'after',
      `
GET /v1/authorize answers 200 with X-Auth-Subject, X-Auth-Issuer, X-Auth-Scopes
and X-Auth-Expires for a bearer token that is accepted; 401, 403 or 503 with the
same headers, empty, otherwise. The gateway that asks is known by its SVID, and
the configuration says by which rules it asks. The identity is read again when
it is renewed, without a dropped connection.`,
    )
    .action((options: GatewayOptions) => serve(io, options, untilStopped));
  return withAuditOptions(command, 'stdout, a file, or an https:// URL (default: stdout)');
}

async function serve(io: CliIo, options: GatewayOptions, untilStopped: () => Promise<void>): Promise<void> {
  const log = createLog({ format: options.logFormat, level: options.logLevel, colour: false, write: io.stderr });
  const configuration = readGatewayConfiguration(new TextDecoder().decode(await readInput(io, '--config', options.config)), options.config);
  // Loaded when it is needed, as the servers of other commands are.
  const { GatewayDaemon } = await import('../app/gateway/gateway.ts');
  const config = { configuration, identity: options.identity, listen: options.listen, metrics: options.metricsListen };
  await using daemon = await GatewayDaemon.open(config, log, await openAuditSettings(auditOptions(options, 'stdout')));
  await untilStopped();
  log.info('stopping', { address: daemon.address });
}
