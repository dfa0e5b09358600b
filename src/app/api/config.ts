import { readFile } from 'node:fs/promises';
import { MtlsdError } from '../../errors/index.ts';
import type { Schema } from '../../resources/index.ts';
import { parseTrustDomainName } from '../../spiffe/index.ts';
import { readDocument, text, trustOf, trustProperties, type TrustConfiguration, type TrustDocument } from '../trust/trust-configuration.ts';
import { readClaimPath, type ClaimPath } from './claim-path.ts';
import type { ServingSource } from './serving-pair.ts';

/** What a command is told about the API. */
export interface ApiConfig {
  readonly listen: { readonly host: string; readonly port: number };
  readonly serving: ServingSource;
  /** File with an ApiConfiguration. */
  readonly configuration: string | undefined;
}

/** Whom other issuers vouch for, and which identity that is: `/ext/<name>/<first claim>/<second claim>/…`. */
export interface CallerEntry {
  readonly name: string;
  /** Name of the rules that its tokens are judged by. */
  readonly rules: string;
  readonly trustDomain: string;
  readonly path: readonly ClaimPath[];
}

/** What `--api-config` holds. */
export interface ApiConfiguration extends TrustConfiguration {
  readonly callers: readonly CallerEntry[];
}

/** The document, as `docs/reference/configuration.md` explains it. */
const schema: Schema = {
  type: 'object',
  required: ['apiVersion', 'kind', 'issuers', 'rules', 'callers'],
  properties: {
    apiVersion: { type: 'string', enum: ['mtlsd.io/v1alpha1'] },
    kind: { type: 'string', enum: ['ApiConfiguration'] },
    ...trustProperties,
    callers: {
      type: 'array',
      maxItems: 64,
      items: {
        type: 'object',
        required: ['name', 'rules', 'trustDomain', 'path'],
        properties: {
          name: text('the segment behind /ext/', 63),
          rules: text('rules that its tokens are judged by', 63),
          trustDomain: text('of its identities', 255),
          path: { type: 'array', maxItems: 8, items: text('a claim, one a segment', 256) },
        },
      },
    },
  },
};

interface Document extends TrustDocument {
  readonly callers: readonly { readonly name: string; readonly rules: string; readonly trustDomain: string; readonly path: readonly string[] }[];
}

/** An API that takes no tokens of other issuers. */
const noIssuers: ApiConfiguration = { issuers: [], rules: [], callers: [] };

/** Reads the file; without one, nobody outside the cluster is known. @throws MtlsdError CONFIGURATION_INVALID */
export async function openApiConfiguration(file: string | undefined): Promise<ApiConfiguration> {
  if (file === undefined) return noIssuers;
  try {
    return readApiConfiguration(await readFile(file, 'utf8'), file);
  } catch (error) {
    if (error instanceof MtlsdError) throw error;
    throw new MtlsdError('CONFIGURATION_INVALID', `${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown error'}): check the path and its mode.`, { details: { option: '--api-config' }, cause: error });
  }
}

/** @throws MtlsdError CONFIGURATION_INVALID, whose message names everything that is wrong and what to write */
export function readApiConfiguration(source: string, file: string): ApiConfiguration {
  const document = readDocument<Document>(source, file, schema, '--api-config', callerProblems);
  return { ...trustOf(document), callers: document.callers.map((caller) => ({ ...caller, path: caller.path.map(readClaimPath) })) };
}

function* callerProblems({ rules, callers }: Document): Generator<string> {
  for (const [index, caller] of callers.entries()) {
    const at = `callers[${index}]`;
    if (!/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/u.test(caller.name)) yield `${at}.name: ${caller.name} is no name: use a-z, 0-9 and -`;
    if (callers.findIndex(({ name }) => name === caller.name) < index) yield `${at}.name: ${caller.name} is there already: give each its own, or two issuers could share an identity`;
    const rule = rules.find(({ name }) => name === caller.rules);
    if (rule === undefined) yield `${at}.rules: there are no rules of the name ${caller.rules}`;
    const earlier = callers.slice(0, index).find((other) => rules.find(({ name }) => name === other.rules)?.issuer === rule?.issuer);
    if (rule !== undefined && earlier !== undefined) yield `${at}.rules: tokens of ${rule.issuer} are taken by ${earlier.name} already: one entry for each issuer`;
    if (caller.path.length === 0) yield `${at}.path: an empty list would give everybody one identity: name at least one claim`;
    try {
      parseTrustDomainName(caller.trustDomain);
    } catch (error) {
      yield `${at}.trustDomain: ${error instanceof Error ? error.message : ''}`;
    }
  }
}
