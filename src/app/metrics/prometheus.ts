import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { FederationFigures, JwtKeyFigures, Metrics, TrustFigures } from '../../telemetry/index.ts';
import { FederationMetrics } from './federation.ts';
import { JwtMetrics } from './jwt.ts';
import { TrustGauges } from './trust-gauges.ts';

/** Metrics for Prometheus: names, help texts and labels of low cardinality (never a name of an object). */
export class PrometheusMetrics implements Metrics {
  readonly registry = new Registry();
  readonly #issuances = new Counter({ name: 'mtlsd_issuances_total', help: 'Certificates asked of the signer, by outcome.', labelNames: ['outcome'], registers: [this.registry] });
  readonly #reconciliations = new Histogram({
    name: 'mtlsd_reconcile_duration_seconds',
    help: 'Time that one reconciliation took, by kind and outcome.',
    labelNames: ['kind', 'outcome'],
    buckets: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5],
    registers: [this.registry],
  });
  readonly #interruptions = new Counter({ name: 'mtlsd_watch_interruptions_total', help: 'Interrupted watches, by kind; each goes on by itself.', labelNames: ['kind'], registers: [this.registry] });
  readonly #queue = new Gauge({ name: 'mtlsd_queue_depth', help: 'Objects that wait to be reconciled or are being reconciled, by kind.', labelNames: ['kind'], registers: [this.registry] });
  readonly #podCertificates = new Histogram({
    name: 'mtlsd_pod_certificate_duration_seconds',
    help: 'Time from first sight of a PodCertificateRequest to its answer, by outcome.',
    labelNames: ['outcome'],
    buckets: [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5, 60],
    registers: [this.registry],
  });
  readonly #podCertificatesPending = new Gauge({ name: 'mtlsd_pod_certificates_pending', help: 'PodCertificateRequests that wait, by why; each is told by an Event on its pod.', labelNames: ['reason'], registers: [this.registry] });
  readonly #leader = new Gauge({ name: 'mtlsd_leader', help: 'Whether this replica reconciles and signs (1) or stands by (0).', registers: [this.registry] });

  readonly #trust = new TrustGauges(this.registry);
  readonly #federation = new FederationMetrics(this.registry);
  readonly #jwt = new JwtMetrics(this.registry);

  constructor() {
    collectDefaultMetrics({ register: this.registry });
    this.#leader.set(0);
  }

  issued(outcome: 'issued' | 'renewed' | 'failed'): void {
    this.#issuances.inc({ outcome });
  }

  reconciled(kind: string, outcome: 'done' | 'retry', durationMs: number): void {
    this.#reconciliations.observe({ kind, outcome }, durationMs / 1000);
  }

  storeInterrupted(kind: string): void {
    this.#interruptions.inc({ kind });
  }

  queueDepth(kind: string, depth: number): void {
    this.#queue.set({ kind }, depth);
  }

  podCertificate(outcome: 'issued' | 'denied', tookMs: number): void {
    this.#podCertificates.observe({ outcome }, tookMs / 1000);
  }

  podCertificatesPending(reason: string, count: number): void {
    this.#podCertificatesPending.set({ reason }, count);
  }

  trust(figures: TrustFigures): void {
    this.#trust.set(figures);
  }

  federated(own: string, peer: string, figures: FederationFigures | undefined): void {
    if (figures === undefined) this.#federation.forget(own, peer);
    else this.#federation.tell(own, peer, figures);
  }

  tokens(kind: 'request' | 'file', outcome: 'issued' | 'refused' | 'failed'): void {
    this.#jwt.count(kind, outcome);
  }

  jwtKeys(trustDomain: string, figures: JwtKeyFigures | undefined): void {
    this.#jwt.tell(trustDomain, figures);
  }

  /** Tells whether this replica leads. */
  leading(leads: boolean): void {
    this.#leader.set(leads ? 1 : 0);
  }
}
