import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { MtlsdError } from '../../errors/index.ts';
import type { Log } from '../../telemetry/index.ts';
import { fetchKeySet, IssuerKeys, keysFor, readKeySet, type KeySetPlace, type KeySource, type KeyUse, type TrustedIssuer } from '../../tokens/index.ts';
import { documentFetcher, type DocumentFetcher } from './fetch-document.ts';
import type { IssuerConfiguration, TrustConfiguration } from './trust-configuration.ts';

/** How often keys are looked at that nobody asks for, so that whoever asks next finds fresh ones. */
const lookMs = 10_000;

/** The issuers of a configuration with their keys, kept fresh until it is disposed of. */
export class TrustedIssuers implements AsyncDisposable {
  readonly #byRules: ReadonlyMap<string, TrustedIssuer>;
  readonly #fetched: readonly IssuerKeys[];
  readonly #fetchers: readonly DocumentFetcher[];
  readonly #timer: NodeJS.Timeout;

  private constructor(byRules: ReadonlyMap<string, TrustedIssuer>, fetched: readonly IssuerKeys[], fetchers: readonly DocumentFetcher[]) {
    this.#byRules = byRules;
    this.#fetched = fetched;
    this.#fetchers = fetchers;
    this.#timer = setInterval(() => this.#refresh(), lookMs);
    this.#timer.unref();
    this.#refresh();
  }

  /** Opens the issuers and begins to fetch their keys. @throws MtlsdError CONFIGURATION_INVALID for a file that cannot be used */
  static async open({ issuers, rules }: TrustConfiguration, log: Log): Promise<TrustedIssuers> {
    const sources = new Map<string, KeySource>();
    const fetched: IssuerKeys[] = [];
    const fetchers: DocumentFetcher[] = [];
    for (const issuer of issuers) {
      if (issuer.keySetFile !== undefined) {
        sources.set(issuer.issuer, await keysOfFile(issuer.keySetFile, useOf(issuer), log));
        continue;
      }
      const { keys, fetcher } = await keysOverNetwork(issuer, log);
      sources.set(issuer.issuer, keys);
      fetched.push(keys);
      fetchers.push(fetcher);
    }
    const byRules = rules.map((each): [string, TrustedIssuer] => {
      const keys = sources.get(each.issuer);
      if (keys === undefined) throw new Error(`invariant broken: rules ${each.name} have an issuer`);
      return [each.name, { rules: each, keys }];
    });
    return new TrustedIssuers(new Map(byRules), fetched, fetchers);
  }

  /** The issuers that some rules trust, by `iss`. Names that are no rules are left out. */
  trustedBy(names: readonly string[]): ReadonlyMap<string, TrustedIssuer> {
    const named = names.map((name) => this.#byRules.get(name)).filter((issuer) => issuer !== undefined);
    return new Map(named.map((issuer) => [issuer.rules.issuer, issuer]));
  }

  /** Resolves when the first try to fetch each key set has ended. */
  async whenTried(): Promise<void> {
    await Promise.all(this.#fetched.map((keys) => keys.whenIdle()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#fetchers.map((fetcher) => fetcher[Symbol.asyncDispose]()));
  }

  #refresh(): void {
    for (const keys of this.#fetched) keys.refresh(Date.now());
  }
}

async function keysOverNetwork(issuer: IssuerConfiguration, log: Log): Promise<{ keys: IssuerKeys; fetcher: DocumentFetcher }> {
  const { caFile, privateAddresses } = issuer;
  const ca = async (): Promise<string | undefined> => (caFile === undefined ? undefined : read(caFile));
  await ca(); // a file that is not there is told at once
  const fetcher = documentFetcher({ privateAddresses, ca });
  const place: KeySetPlace = issuer.keySet === undefined ? { kind: 'discovery', issuer: issuer.issuer } : { kind: 'url', url: issuer.keySet, use: useOf(issuer) };
  const keys = new IssuerKeys({
    fetch: (nowMs) => fetchKeySet(place, fetcher.fetchDocument, nowMs),
    nowMs: () => Date.now(),
    sleep: (ms, signal) => delay(ms, undefined, { signal, ref: false }).catch(() => undefined),
    random: Math.random,
    onState: ({ failing, dropped }) => {
      if (failing !== undefined) log.warn('the keys of an issuer cannot be fetched; those fetched before are used for a while', { issuer: issuer.issuer, why: failing });
      else log.info('the keys of an issuer are there', { issuer: issuer.issuer, ...(dropped.length === 0 ? {} : { dropped }) });
    },
  });
  return { keys, fetcher };
}

/** Whether its keys stand in a SPIFFE bundle. */
function useOf({ trustDomain }: IssuerConfiguration): KeyUse {
  return trustDomain === undefined ? 'sig' : 'jwt-svid';
}

async function keysOfFile(file: string, use: KeyUse, log: Log): Promise<KeySource> {
  const set = readKeySet(await read(file), use);
  if (set === undefined) throw new MtlsdError('CONFIGURATION_INVALID', `${file} is no key set: write an object with a list of keys (a JWK Set, RFC 7517 §5).`, { details: { option: 'keySetFile' } });
  if (set.dropped.length > 0) log.warn('a key set has keys that cannot be used', { file, dropped: set.dropped });
  return {
    find: (wanted) => {
      const keys = keysFor(set.keys, wanted);
      return keys.length === 0 ? { kind: 'unknown' } : { kind: 'found', keys };
    },
  };
}

async function read(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new MtlsdError('CONFIGURATION_INVALID', `${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown error'}): check the path and its mode.`, { cause: error });
  }
}
