import { parse as parseYaml, YAMLParseError } from 'yaml';
import { MtlsdError } from '../../errors/index.ts';
import { documentProblems, parseDuration, type Schema } from '../../resources/index.ts';
import { parseTrustDomainName } from '../../spiffe/index.ts';
import { tokenAlgorithms, type IssuerRules, type TokenAlgorithm } from '../../tokens/index.ts';

/**
 * What configurations have in common that say whose tokens are trusted: issuers, and rules for their tokens.
 */

/** An issuer of tokens, and where its keys come from. */
export interface IssuerConfiguration {
  readonly issuer: string;
  /** Address of its key set; undefined: as its discovery document says. */
  readonly keySet: string | undefined;
  /** A file with its key set, instead of fetching one. */
  readonly keySetFile: string | undefined;
  /** The key set is the SPIFFE bundle of this trust domain; undefined: it is none. */
  readonly trustDomain: string | undefined;
  readonly privateAddresses: boolean;
  /** A file of certificates, PEM, that its server is verified with, instead of the system's. */
  readonly caFile: string | undefined;
}

/** What the tokens of an issuer must be, by name. */
export interface NamedRules extends IssuerRules {
  readonly name: string;
}

/** The issuers and rules of a configuration. */
export interface TrustConfiguration {
  readonly issuers: readonly IssuerConfiguration[];
  readonly rules: readonly NamedRules[];
}

/** The schema of a text. */
export const text = (description: string, maxLength = 2048): Schema => ({ type: 'string', minLength: 1, maxLength, description });
/** The schema of a list of texts that are all different. */
export const texts = (description: string, maxItems = 32): Schema => ({ type: 'array', maxItems, 'x-kubernetes-list-type': 'set', description, items: text(description, 512) });

/** The schemas of `issuers` and `rules`, as `docs/reference/configuration.md` explains them. */
export const trustProperties: Readonly<Record<'issuers' | 'rules', Schema>> = {
  issuers: {
    type: 'array',
    maxItems: 64,
    items: {
      type: 'object',
      required: ['issuer'],
      properties: {
        issuer: text('exactly what iss says'),
        keySet: text('address of the key set'),
        keySetFile: text('file with the key set'),
        trustDomain: text('the key set is its SPIFFE bundle', 255),
        caFile: text('certificates of its server'),
        privateAddresses: { type: 'boolean' },
      },
    },
  },
  rules: {
    type: 'array',
    maxItems: 256,
    items: {
      type: 'object',
      required: ['name', 'issuer', 'audiences'],
      properties: {
        name: text('name of the rules', 63),
        issuer: text('one of the issuers'),
        audiences: texts('aud holds one of these'),
        algorithms: { type: 'array', maxItems: tokenAlgorithms.length, items: { type: 'string', enum: tokenAlgorithms } },
        types: texts('typ is one of these', 8),
        typeMayBeMissing: { type: 'boolean' },
        scopes: texts('scope holds all of these'),
        claims: {
          type: 'array',
          maxItems: 16,
          items: { type: 'object', required: ['path', 'values'], properties: { path: text('path of the claim, with dots', 256), values: texts('it holds all of these') } },
        },
        clockTolerance: text('how far clocks may be apart', 32),
        maxLifetime: text('longest life', 32),
      },
    },
  },
};

/** `issuers` and `rules` of a document once its schema holds. */
export interface TrustDocument {
  readonly issuers: readonly { readonly issuer: string; readonly keySet?: string; readonly keySetFile?: string; readonly trustDomain?: string; readonly caFile?: string; readonly privateAddresses?: boolean }[];
  readonly rules: readonly RulesDocument[];
}

interface RulesDocument {
  readonly name: string;
  readonly issuer: string;
  readonly audiences: readonly string[];
  readonly algorithms?: readonly TokenAlgorithm[];
  readonly types?: readonly string[];
  readonly typeMayBeMissing?: boolean;
  readonly scopes?: readonly string[];
  readonly claims?: readonly { readonly path: string; readonly values: readonly string[] }[];
  readonly clockTolerance?: string;
  readonly maxLifetime?: string;
}

const defaults = { algorithms: ['ES256', 'RS256', 'PS256'], types: ['JWT', 'at+jwt'], clockTolerance: '30s', maxLifetime: '24h' } as const;
const clockToleranceMaxMs = 5 * 60_000;

/**
 * Reads a document with `issuers` and `rules` (YAML or JSON).
 * @param file its name in messages
 * @param problems what is wrong with the rest of it
 * @throws MtlsdError CONFIGURATION_INVALID, whose message names everything that is wrong and what to write
 */
export function readDocument<D extends TrustDocument>(source: string, file: string, schema: Schema, option: string, problems: (document: D) => Iterable<string>): D {
  const raw = parseDocument(source, file, option);
  const unfit = documentProblems(schema, raw).map(({ message }) => message);
  if (unfit.length > 0) throw invalid(file, option, unfit);
  const document = raw as D;
  const wrong = [...issuerProblems(document), ...ruleProblems(document), ...problems(document)];
  if (wrong.length > 0) throw invalid(file, option, wrong);
  return document;
}

/** Issuers and rules with every default filled in. */
export function trustOf(document: TrustDocument): TrustConfiguration {
  return {
    issuers: document.issuers.map(({ issuer, keySet, keySetFile, trustDomain, caFile, privateAddresses }) => ({ issuer, keySet, keySetFile, trustDomain, caFile, privateAddresses: privateAddresses ?? false })),
    rules: document.rules.map((rules) => namedRules(rules, document.issuers.find(({ issuer }) => issuer === rules.issuer)?.trustDomain)),
  };
}

function namedRules(rules: RulesDocument, trustDomain: string | undefined): NamedRules {
  return {
    name: rules.name,
    issuer: rules.issuer,
    audiences: rules.audiences,
    algorithms: rules.algorithms ?? defaults.algorithms,
    types: [...(rules.types ?? defaults.types), ...((rules.typeMayBeMissing ?? false) ? [undefined] : [])],
    scopes: rules.scopes ?? [],
    requiredClaims: (rules.claims ?? []).map(({ path, values }) => ({ path: path.split('.'), values })),
    clockToleranceMs: parseDuration(rules.clockTolerance ?? defaults.clockTolerance),
    maxLifetimeMs: parseDuration(rules.maxLifetime ?? defaults.maxLifetime),
    ...(trustDomain === undefined ? {} : { trustDomain }),
  };
}

function* issuerProblems({ issuers }: TrustDocument): Generator<string> {
  for (const [index, { issuer, keySet, keySetFile, trustDomain, privateAddresses = false }] of issuers.entries()) {
    const at = `issuers[${index}]`;
    if (issuers.findIndex((other) => other.issuer === issuer) < index) yield `${at}.issuer: ${issuer} is there already: one entry for each issuer`;
    if (keySet !== undefined && keySetFile !== undefined) yield `${at}: keySet and keySetFile are both there: keep one of them`;
    if (keySet === undefined && keySetFile === undefined && addressProblem(issuer, privateAddresses) !== undefined) {
      yield `${at}.issuer: ${issuer} is no address to look for the keys at: write https://…, or add keySet or keySetFile`;
    }
    if (trustDomain !== undefined) yield* bundleProblems(at, { issuer, keySet, keySetFile, trustDomain });
    const problem = keySet === undefined ? undefined : addressProblem(keySet, privateAddresses);
    if (problem !== undefined) yield `${at}.keySet: ${problem}`;
  }
}

/** Keys of a bundle are believed for their own trust domain alone. */
function* bundleProblems(at: string, { issuer, keySet, keySetFile, trustDomain }: Pick<IssuerConfiguration, 'issuer' | 'keySet' | 'keySetFile'> & { readonly trustDomain: string }): Generator<string> {
  if (keySet === undefined && keySetFile === undefined) yield `${at}.trustDomain: say where its SPIFFE bundle is, as keySet or keySetFile`;
  if (issuer.startsWith('spiffe:') && issuer !== `spiffe://${trustDomain}`) yield `${at}.issuer: write spiffe://${trustDomain} for tokens without iss, or exactly what iss says`;
  try {
    parseTrustDomainName(trustDomain);
  } catch (error) {
    yield `${at}.trustDomain: ${error instanceof Error ? error.message : ''}`;
  }
}

/** Keys decide who is believed: they come over TLS, except from one's own machines where that was asked for. */
function addressProblem(address: string, privateAddresses: boolean): string | undefined {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url?.username !== undefined && url.username + url.password !== '') return 'it holds a user name or password: keys are public, leave them out';
  if (url?.protocol === 'https:' || (url?.protocol === 'http:' && privateAddresses)) return undefined;
  return `${address} is refused: write https://…${url?.protocol === 'http:' ? ' (http:// only with privateAddresses: true)' : ''}`;
}

function* ruleProblems({ issuers, rules }: TrustDocument): Generator<string> {
  for (const [index, rule] of rules.entries()) {
    const at = `rules[${index}]`;
    if (rules.findIndex(({ name }) => name === rule.name) < index) yield `${at}.name: ${rule.name} is there already: give each its own`;
    if (!issuers.some(({ issuer }) => issuer === rule.issuer)) yield `${at}.issuer: ${rule.issuer} is not among issuers: add it there, to the letter`;
    for (const name of ['audiences', 'algorithms'] as const) {
      if (rule[name]?.length === 0) yield `${at}.${name}: an empty list accepts no token: name at least one`;
    }
    const tolerance = duration(rule.clockTolerance);
    if (typeof tolerance === 'string') yield `${at}.clockTolerance: ${tolerance}`;
    else if (tolerance > clockToleranceMaxMs) yield `${at}.clockTolerance: ${rule.clockTolerance ?? ''} is too long: 5m is the limit, set the clocks instead`;
    const lifetime = duration(rule.maxLifetime);
    if (typeof lifetime === 'string') yield `${at}.maxLifetime: ${lifetime}`;
  }
}

function duration(value: string | undefined): number | string {
  try {
    return value === undefined ? 0 : parseDuration(value);
  } catch (error) {
    return error instanceof Error ? error.message : 'no duration';
  }
}

function parseDocument(source: string, file: string, option: string): unknown {
  try {
    return parseYaml(source, { maxAliasCount: 0 });
  } catch (error) {
    throw invalid(file, option, [error instanceof YAMLParseError ? (error.message.split('\n')[0] ?? '') : 'it is no YAML or JSON']);
  }
}

function invalid(file: string, option: string, problems: readonly string[]): MtlsdError<'CONFIGURATION_INVALID'> {
  const [only, ...more] = problems;
  const list = more.length === 0 ? ` ${only ?? ''}` : problems.map((problem) => `\n  - ${problem}`).join('');
  return new MtlsdError('CONFIGURATION_INVALID', `${file} cannot be used:${list}`, { details: { option } });
}
