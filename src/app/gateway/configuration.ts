import type { Schema } from '../../resources/index.ts';
import { parseSpiffeId } from '../../spiffe/index.ts';
import { readDocument, text, texts, trustOf, trustProperties, type TrustConfiguration, type TrustDocument } from '../trust/trust-configuration.ts';

/** Who may have tokens judged, and by which rules. */
export interface GatewayAccess {
  readonly spiffeId: string;
  readonly rules: readonly string[];
  /** How many requests of it one process answers, on the average of ten seconds. */
  readonly requestsPerSecond: number;
}

/** Somewhat less than half of what a process judges on one core: no gateway keeps another from being answered. */
const usualRequestsPerSecond = 2_000;

/** What `mtlsd gateway` and `mtlsd token verify` are told in a file. */
export interface GatewayConfiguration extends TrustConfiguration {
  readonly gateways: readonly GatewayAccess[];
}

/** The document, as `docs/reference/configuration.md` explains it. */
const schema: Schema = {
  type: 'object',
  required: ['apiVersion', 'kind', 'issuers', 'rules'],
  properties: {
    apiVersion: { type: 'string', enum: ['mtlsd.io/v1alpha1'] },
    kind: { type: 'string', enum: ['GatewayConfiguration'] },
    ...trustProperties,
    gateways: {
      type: 'array',
      maxItems: 256,
      items: { type: 'object', required: ['spiffeId', 'rules'], properties: { spiffeId: text('who may ask'), rules: texts('names of rules'), requestsPerSecond: { type: 'integer' } } },
    },
  },
};

/** The document once its schema holds. */
interface Document extends TrustDocument {
  readonly gateways?: readonly (Omit<GatewayAccess, 'requestsPerSecond'> & { readonly requestsPerSecond?: number })[];
}

/**
 * Reads the configuration of a gateway (YAML or JSON). `file` is its name in messages.
 * @throws MtlsdError CONFIGURATION_INVALID, whose message names everything that is wrong and what to write
 */
export function readGatewayConfiguration(source: string, file: string): GatewayConfiguration {
  const document = readDocument<Document>(source, file, schema, '--config', gatewayProblems);
  return { ...trustOf(document), gateways: (document.gateways ?? []).map((gateway) => ({ requestsPerSecond: usualRequestsPerSecond, ...gateway })) };
}

function* gatewayProblems({ rules, gateways = [] }: Document): Generator<string> {
  for (const [index, gateway] of gateways.entries()) {
    const at = `gateways[${index}]`;
    if (gateways.findIndex(({ spiffeId }) => spiffeId === gateway.spiffeId) < index) yield `${at}.spiffeId: ${gateway.spiffeId} is there already: one entry for each gateway`;
    if ((gateway.requestsPerSecond ?? 1) < 1) yield `${at}.requestsPerSecond: ${gateway.requestsPerSecond} answers nobody: write 1 or more, or take the gateway out`;
    try {
      if (parseSpiffeId(gateway.spiffeId).path === '') yield `${at}.spiffeId: ${gateway.spiffeId} is that of a trust domain: name a workload`;
    } catch (error) {
      yield `${at}.spiffeId: ${error instanceof Error ? error.message : ''}`;
    }
    const named = gateway.rules.map((name) => rules.find((rule) => rule.name === name));
    for (const [place, rule] of named.entries()) {
      if (rule === undefined) yield `${at}.rules[${place}]: there are no rules of the name ${gateway.rules[place] ?? ''}`;
      else if (named.findIndex((other) => other?.issuer === rule.issuer) < place) yield `${at}.rules[${place}]: ${rule.name} is of an issuer that other rules of this gateway are of: one for each issuer`;
    }
  }
}
