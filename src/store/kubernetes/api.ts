import { MtlsdError } from '../../errors/index.ts';
import type { Log } from '../../telemetry/index.ts';
import type { Kind } from '../port.ts';
import type { Answer } from './answer-reader.ts';
import { notServed, refusalError, unreachableError, type Question } from './failures.ts';
import { definitionName, groupPath, isCustomResource, resourceTypeOf, type ResourceType } from './resource-types.ts';
import { parseStatus, retryAfterMs } from './status.ts';
import type { Call, Stream, Transport } from './transport.ts';

/** Different warnings that are passed on; there are few in practice. */
const warningsMax = 100;

/** Why something did not arrive. */
export interface Undelivered {
  readonly why: string;
  /** Whether trying again may help. */
  readonly passing: boolean;
  readonly retryAfterMs?: number;
}

/** Metadata of a collection's objects, or of each object of a watch, without their contents. */
const metadataList = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';
const metadataEvents = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1';

/**
 * The API server as the rest of this folder asks it: by kind, with every failure turned into an error of the store. Knows
 * which version of a kind is served.
 */
export class Api {
  readonly #transport: Transport;
  readonly #log: Log;
  readonly #versions = new Map<Kind, string>();
  readonly #warnings = new Set<string>();
  #callsUnderWay = 0;

  constructor(transport: Transport, log: Log) {
    this.#transport = transport;
    this.#log = log;
  }

  /** How many calls wait for an answer; watches and `tell` apart. */
  get callsUnderWay(): number {
    return this.#callsUnderWay;
  }

  /** The version under which `kind` is served. Looked up only where there is a choice, and kept until the kind is not found. */
  async versionOf(kind: Kind): Promise<string> {
    const type = resourceTypeOf(kind);
    const [only, ...older] = type.versions;
    if (only !== undefined && older.length === 0) return only;
    const known = this.#versions.get(kind) ?? (await this.#discover(type));
    if (known === undefined) throw notServed(kind);
    this.#versions.set(kind, known);
    return known;
  }

  /** A successful answer's object. @throws STORE_… for any other */
  async ask(question: Question, call: Call): Promise<unknown> {
    const answer = await this.#counted(question, call);
    if (answer.headers['warning'] !== undefined) this.#warn(question, answer.headers['warning']);
    if (answer.status >= 200 && answer.status < 300) return parseBody(question, this.#transport.server, answer);
    throw this.#refusal(question, answer);
  }

  /** A successful answer as it comes. @throws STORE_… for any other */
  async follow(question: Question, path: string, idleTimeoutMs: number, signal: AbortSignal): Promise<Stream['body']> {
    const accept = resourceTypeOf(question.kind).metadataOnly ? metadataEvents : 'application/json';
    const stream = await this.#reach(question, () => this.#transport.stream({ method: 'GET', path, accept }, idleTimeoutMs, signal));
    if (stream.status === 200) return stream.body;
    const text = await this.#reach(question, () => stream.body.text());
    throw this.#refusal(question, { status: stream.status, headers: stream.headers, text });
  }

  /** A page of a collection; of kinds that are watched by metadata, metadata. @throws STORE_… */
  async list(question: Question, path: string, metadataOnly = resourceTypeOf(question.kind).metadataOnly): Promise<unknown> {
    return this.ask(question, { method: 'GET', path, accept: metadataOnly ? metadataList : 'application/json' });
  }

  /**
   * Whether the kind's API is there to stay: its CustomResourceDefinition exists, is established, serves our version and is
   * not being deleted. @throws STORE_UNAVAILABLE, STORE_FORBIDDEN when that cannot be told
   */
  async serves(kind: Kind): Promise<boolean> {
    const type = resourceTypeOf(kind);
    if (isCustomResource(type)) return (await this.#standingDefinition(type)) !== undefined;
    if (type.versions.length === 1) return true;
    const version = await this.#discover(type);
    if (version === undefined) this.#versions.delete(kind);
    else this.#versions.set(kind, version);
    return version !== undefined;
  }

  /** Since when a custom kind is defined, milliseconds since the epoch; 0 for a kind of the API server's own. @throws as `serves` */
  async servedSinceMs(kind: Kind): Promise<number | undefined> {
    const type = resourceTypeOf(kind);
    if (!isCustomResource(type)) return (await this.serves(kind)) ? 0 : undefined;
    const definition = await this.#standingDefinition(type);
    return definition === undefined ? undefined : Date.parse(definition.metadata?.creationTimestamp ?? '') || 0;
  }

  /** Asks what is no object of the store; an answer of any status is an answer. @throws STORE_UNAVAILABLE when there is none */
  async submit(call: Call): Promise<Answer> {
    try {
      return await this.#transport.call(call);
    } catch (cause) {
      if (cause instanceof MtlsdError) throw cause;
      throw new MtlsdError('STORE_UNAVAILABLE', 'The API server cannot be reached.', { details: { object: call.path }, cause });
    }
  }

  /** Sends what nobody waits for. Undefined when it arrived; otherwise why not, and whether that passes. Never rejects. */
  async tell(call: Call): Promise<Undelivered | undefined> {
    try {
      const { status, headers, text } = await this.#transport.call(call);
      if (status < 300) return undefined;
      const said = parseStatus(text);
      const afterMs = retryAfterMs(headers['retry-after'], said);
      return { why: said?.message ?? `HTTP ${status}`, passing: status === 429 || status >= 500, ...(afterMs === undefined ? {} : { retryAfterMs: afterMs }) };
    } catch (error) {
      return { why: error instanceof Error ? error.message : String(error), passing: true };
    }
  }

  /** Says that a stream of this question failed on the way. */
  lost(question: Question, cause: unknown): MtlsdError<'STORE_UNAVAILABLE'> {
    return unreachableError(question, this.#transport.server, cause);
  }

  async #counted(question: Question, call: Call): Promise<Answer> {
    this.#callsUnderWay += 1;
    try {
      return await this.#reach(question, () => this.#transport.call(call));
    } finally {
      this.#callsUnderWay -= 1;
    }
  }

  async #standingDefinition(type: ResourceType): Promise<Definition | undefined> {
    const name = definitionName(type);
    const answer = await this.#get(type.kind, `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${name}`);
    if (answer === undefined) return undefined;
    const definition = answer as Definition;
    const { metadata, spec, status } = definition;
    const established = (status?.conditions ?? []).some((condition) => condition.type === 'Established' && condition.status === 'True');
    const served = (spec?.versions ?? []).some((version) => version.name === type.versions[0] && version.served === true);
    return metadata?.deletionTimestamp === undefined && established && served ? definition : undefined;
  }

  async #discover(type: ResourceType): Promise<string | undefined> {
    for (const version of type.preferred) {
      const found = (await this.#get(type.kind, groupPath(type.group, version))) as { readonly resources?: readonly { readonly name?: string }[] } | undefined;
      if ((found?.resources ?? []).some(({ name }) => name === type.plural)) return version;
    }
    return undefined;
  }

  /** What is at a path of the API server's own, or undefined. */
  async #get(kind: Kind, path: string): Promise<unknown> {
    const question: Question = { verb: 'get', kind };
    const answer = await this.#reach(question, () => this.#transport.call({ method: 'GET', path }));
    if (answer.status === 404) return undefined;
    if (answer.status !== 200) throw this.#refusal(question, answer);
    return parseBody(question, this.#transport.server, answer);
  }

  /** Passes on, once each, what the API server warns of: a field that an older CustomResourceDefinition lacks, say. */
  #warn(question: Question, header: string | readonly string[]): void {
    for (const [, quoted = ''] of [header].flat().join(', ').matchAll(/299 \S+ "((?:[^"\\]|\\.)*)"/gu)) {
      const warning = quoted.replace(/\\(.)/gu, '$1');
      if (this.#warnings.has(warning) || this.#warnings.size >= warningsMax) continue;
      this.#warnings.add(warning);
      this.#log.warn('the API server warns', { kind: question.kind, verb: question.verb, warning });
    }
  }

  #refusal(question: Question, answer: Answer): MtlsdError {
    if (answer.status === 404) this.#versions.delete(question.kind);
    return refusalError(question, { status: answer.status, retryAfter: answer.headers['retry-after'], text: answer.text });
  }

  async #reach<T>(question: Question, action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (cause) {
      if (cause instanceof MtlsdError) throw cause;
      throw this.lost(question, cause);
    }
  }
}

interface Definition {
  readonly metadata?: { readonly creationTimestamp?: string; readonly deletionTimestamp?: string };
  readonly spec?: { readonly versions?: readonly { readonly name?: string; readonly served?: boolean }[] };
  readonly status?: { readonly conditions?: readonly { readonly type?: string; readonly status?: string }[] };
}

function parseBody(question: Question, server: string, answer: Answer): unknown {
  try {
    return JSON.parse(answer.text);
  } catch {
    throw unreachableError(question, server, new Error('an answer that is no JSON'));
  }
}
