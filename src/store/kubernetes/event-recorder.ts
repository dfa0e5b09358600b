import { setTimeout as sleep } from 'node:timers/promises';
import type { EventRecorder, EventTarget, Log, ObjectEvent } from '../../telemetry/index.ts';
import type { Api } from './api.ts';
import { Backoff } from './backoff.ts';
import { RecentEvents } from './recent-events.ts';

/** What an event recorder is made of. */
export interface EventRecorderOptions {
  /** Of an open store: events share its connections. */
  readonly api: Api;
  /** Which replica speaks: its pod's name. */
  readonly instance: string;
  readonly log: Log;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Milliseconds since the epoch. */
  readonly nowMs: () => number;
}

/** An event recorder that can be waited for. */
export interface ApiEventRecorder extends EventRecorder, AsyncDisposable {
  /** Resolves when nothing waits to be sent any more. */
  drained(): Promise<void>;
}

/** `kubectl get events` shows it as the source. */
const reportingController = 'mtlsd.io/controller';
/** Of each about a kilobyte; what wants a person's attention has room of its own. */
const queueMax = { Warning: 2048, Normal: 2048 } as const;
const triesMax = 4;
/** With at most so many calls of reconcilers under way there is room for what nobody waits for, */
const quietCallsMax = 2;
/** which is looked at this often, */
const quietLookMs = 25;
/** and after so long one goes whatever else is under way: a controller that is never quiet still tells. */
const quietWaitMs = 500;
/** Bound of the API server. */
const noteBytesMax = 1024;
const limits = { quietMs: 10 * 60_000, perReasonMax: 10, rememberedMax: 8192 };

/** What waits to be sent. Its request is made only then: behind a herd, not in it. */
interface Pending {
  readonly target: EventTarget;
  readonly event: ObjectEvent;
  readonly atMs: number;
}

interface EventRequest {
  readonly path: string;
  readonly body: string;
}

/**
 * Tells people about objects through events.k8s.io/v1. Sending is nobody's concern but its own: one at a time, a bounded
 * number waiting (the newest are dropped), a few tries, never an exception. Warnings go first and at once; what is normal goes
 * behind the work that it tells of, so that a herd of issuances is not slowed down by a third request for each. What was
 * told already stays untold for ten minutes.
 */
export function createEventRecorder(options: EventRecorderOptions): ApiEventRecorder {
  return new QueuedEventRecorder(options);
}

class QueuedEventRecorder implements ApiEventRecorder {
  readonly #options: EventRecorderOptions;
  readonly #recent = new RecentEvents(limits);
  readonly #queues: Readonly<Record<ObjectEvent['type'], Pending[]>> = { Warning: [], Normal: [] };
  readonly #closing = new AbortController();
  #sending: Promise<void> | undefined;
  #complained = '';

  constructor(options: EventRecorderOptions) {
    this.#options = options;
  }

  record(target: EventTarget, event: ObjectEvent): void {
    const atMs = this.#options.nowMs();
    if (this.#closing.signal.aborted || !this.#recent.isNews(target, event, atMs)) return;
    const queue = this.#queues[event.type];
    if (queue.length >= queueMax[event.type]) return this.#complain(`more than ${queueMax[event.type]} events wait to be sent`);
    queue.push({ target, event, atMs });
    this.#start();
  }

  async drained(): Promise<void> {
    while (this.#sending !== undefined) await this.#sending;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.#sending;
  }

  #start(): void {
    this.#sending ??= this.#sendAll().finally(() => {
      this.#sending = undefined;
      // One may have come between the last look at the queues and now.
      if (this.#waits && !this.#closing.signal.aborted) this.#start();
    });
  }

  get #waits(): boolean {
    return this.#queues.Warning.length > 0 || this.#queues.Normal.length > 0;
  }

  async #sendAll(): Promise<void> {
    const { signal } = this.#closing;
    while (this.#waits && !signal.aborted) {
      await this.#untilQuiet();
      const next = this.#queues.Warning.shift() ?? this.#queues.Normal.shift();
      if (next === undefined || signal.aborted) return;
      const { api, instance, random } = this.#options;
      const why = await post(api, eventRequest(next, instance, random), new Backoff({ firstMs: 500, maxMs: 10_000 }, random), signal);
      if (why !== undefined) this.#complain(why);
    }
  }

  /** Resolves when there is a warning to be sent, or room for what is none. */
  async #untilQuiet(): Promise<void> {
    const { signal } = this.#closing;
    for (let waitedMs = 0; waitedMs < quietWaitMs && !signal.aborted; waitedMs += quietLookMs) {
      if (this.#queues.Warning.length > 0 || this.#options.api.callsUnderWay <= quietCallsMax) return;
      await sleep(quietLookMs, undefined, { signal }).catch(() => undefined);
    }
  }

  #complain(why: string): void {
    this.#options.log[why === this.#complained ? 'debug' : 'warn']('an event was not recorded', { why });
    this.#complained = why;
  }
}

/** Sends one event. Returns why it was given up, if it was. */
async function post(api: Api, request: EventRequest, backoff: Backoff, signal: AbortSignal): Promise<string | undefined> {
  let why: string | undefined;
  for (let tries = 0; tries < triesMax && !signal.aborted; tries++) {
    const outcome = await api.tell({ method: 'POST', ...request });
    if (outcome === undefined) return undefined;
    why = outcome.why;
    if (!outcome.passing) return why;
    await sleep(backoff.nextMs(outcome.retryAfterMs), undefined, { signal }).catch(() => undefined);
  }
  return why;
}

function eventRequest({ target, event, atMs }: Pending, instance: string, random: () => number): EventRequest {
  const { name, uid, namespace } = target.metadata;
  // Events about cluster-scoped objects live in the namespace `default`.
  const place = namespace ?? 'default';
  const unique = `${atMs.toString(16)}${Math.floor(random() * 2 ** 32).toString(16).padStart(8, '0')}`;
  const body = {
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    metadata: { name: `${name.slice(0, 220)}.${unique}`, namespace: place },
    eventTime: new Date(atMs).toISOString().replace('Z', '000Z'),
    type: event.type,
    reason: event.reason,
    action: event.reason,
    note: shortened(event.message),
    regarding: { apiVersion: target.apiVersion, kind: target.kind, name, uid, ...(namespace === undefined ? {} : { namespace }) },
    reportingController,
    reportingInstance: instance.slice(0, 128),
  };
  return { path: `/apis/events.k8s.io/v1/namespaces/${encodeURIComponent(place)}/events?fieldManager=mtlsd`, body: JSON.stringify(body) };
}

function shortened(message: string): string {
  const bytes = Buffer.from(message, 'utf8');
  if (bytes.length <= noteBytesMax) return message;
  // Cut before a character that the bound splits, with room for the ellipsis (3 bytes).
  return `${bytes.subarray(0, noteBytesMax - 3).toString('utf8').replace(/\uFFFD$/u, '')}…`;
}
