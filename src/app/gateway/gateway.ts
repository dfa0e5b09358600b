import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { Registry, collectDefaultMetrics } from 'prom-client';
import { gatewayServer, healthServer, PeerIdentities } from '../../server/index.ts';
import type { Log } from '../../telemetry/index.ts';
import { apiMetrics } from '../api/metrics.ts';
import { auditMetrics } from '../audit/metrics.ts';
import { Audit, type AuditSettings } from '../audit/open.ts';
import { systemClock } from '../clock.ts';
import type { GatewayConfiguration } from './configuration.ts';
import { tokenDecisions } from './metrics.ts';
import { IdentityFolder } from './identity-folder.ts';
import { listenAt } from '../listen.ts';
import { TrustedIssuers } from '../trust/trusted-issuers.ts';

/** Where a server listens. */
interface Address {
  readonly host: string;
  readonly port: number;
}

/** What `mtlsd gateway` is told. */
export interface GatewayConfig {
  readonly configuration: GatewayConfiguration;
  /** The folder with the SVID that it serves with. */
  readonly identity: string;
  readonly listen: Address;
  readonly metrics: Address | undefined;
}

/**
 * The process that judges what strangers send: tokens and the key sets of their issuers. It holds no key of an authority and
 * talks to no API server.
 */
export class GatewayDaemon implements AsyncDisposable {
  readonly #parts: AsyncDisposableStack;
  readonly address: string;

  private constructor(parts: AsyncDisposableStack, address: string) {
    this.#parts = parts;
    this.address = address;
  }

  /** Opens it and listens. @throws MtlsdError CONFIGURATION_INVALID for an identity or a file that cannot be used, ADDRESS_UNAVAILABLE */
  static async open(config: GatewayConfig, log: Log, settings: AuditSettings): Promise<GatewayDaemon> {
    await using opening = new AsyncDisposableStack();
    const folder = opening.use(await IdentityFolder.open(config.identity, log));
    const issuers = opening.use(await TrustedIssuers.open(config.configuration, log));
    const registry = new Registry();
    collectDefaultMetrics({ register: registry });
    const audit = opening.use(new Audit(settings, { replica: hostname(), clock: systemClock, log, figures: auditMetrics(registry) }));
    const access = new Map(config.configuration.gateways.map(({ spiffeId, rules, requestsPerSecond }) => [spiffeId, { issuers: issuers.trustedBy(rules), requestsPerSecond }]));
    const { key, cert, ca } = folder.identity;
    const server = await gatewayServer({
      tls: { key, cert, ca },
      gateways: { peers: new PeerIdentities(() => folder.identity.trust), accessOf: (spiffeId) => access.get(spiffeId), clock: systemClock },
      clock: systemClock,
      newRequestId: randomUUID,
      audit,
      log,
      figures: apiMetrics(registry),
      counted: tokenDecisions(registry),
    });
    opening.defer(() => server.close());
    folder.onRenewal((identity) => server.server.setSecureContext({ key: identity.key, cert: identity.cert, ca: identity.ca, minVersion: 'TLSv1.3' }));
    const address = await listenAt(server, config.listen);
    if (config.metrics !== undefined) {
      const health = healthServer({ wedged: () => undefined, notReady: () => undefined, metrics: async () => ({ contentType: registry.contentType, text: await registry.metrics() }) });
      opening.defer(() => health.close());
      await listenAt(health, config.metrics);
    }
    log.info('judging tokens for gateways', { address, spiffeId: folder.identity.spiffeId, gateways: access.size });
    return new GatewayDaemon(opening.move(), address);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.disposeAsync();
  }
}
