import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CARotationSpec, CARotationStatus } from '../../src/resources/index.ts';
import { ApiClient, inParallel, type WireObject } from '../bench/api-client.ts';
import { createAccounts, width } from '../bench/bench-cluster.ts';
import { ControllerProcess } from '../cluster/controller-process.ts';
import { identity, isReady, paths, Site, trustDomain } from '../cluster/controller-site.ts';
import { until } from '../standalone/wait.ts';
import { ClusterRotations } from './cluster-rotations.ts';
import type { Source } from './fleet.ts';
import { KilledProcess } from './killed-process.ts';
import type { Stage } from './stage.ts';

const namespace = 'live';
const patienceMs = 300_000;

/** `mtlsd controller` on a real API server of its own. The kubelet of the fleet watches Secrets, as the real one does. */
export class ClusterStage implements Stage {
  readonly daemon: KilledProcess;
  readonly delivered: string;
  readonly #site: Site;
  readonly #client: ApiClient;
  readonly #rotations: ClusterRotations;
  readonly #abort = new AbortController();

  private constructor(site: Site, client: ApiClient, daemon: KilledProcess, delivered: string) {
    this.#site = site;
    this.#rotations = new ClusterRotations(site);
    this.#client = client;
    this.daemon = daemon;
    this.delivered = delivered;
  }

  static async open(): Promise<ClusterStage> {
    const site = await Site.open();
    await site.kubectl(['wait', '--for=condition=Established', 'crd/carotations.mtlsd.io']);
    await site.addNamespace(namespace, []);
    const daemon = await KilledProcess.start(() => {
      const controller = ControllerProcess.start(site.kubeconfig);
      const end = async (signal: NodeJS.Signals): Promise<void> => {
        controller.signal(signal);
        await controller.ended();
      };
      // A busy machine gets more time than `leads` gives.
      const atWork = async (): Promise<unknown> => until('the controller leads', () => controller.log.some(({ msg }) => /caches are filled/u.test(msg)), patienceMs);
      return { atWork, end };
    });
    return new ClusterStage(site, await ApiClient.of(site.cluster), daemon, await mkdtemp(join(tmpdir(), 'mtlsd-delivered-')));
  }

  async issue(domain: string, spec: object, names: readonly string[]): Promise<void> {
    await this.#site.apply(trustDomain(domain, spec));
    await createAccounts(this.#client, namespace, names);
    await inParallel(names, width, async (name) => this.#client.send('POST', paths.identities(namespace), identity(namespace, name, { trustDomain: domain })));
    const wanted = new Set(names);
    await until(`${names.length} identities of ${domain} are issued`, async () => (await this.#site.list(paths.identities(namespace))).filter((object) => wanted.has(object.metadata.name) && isReady(object)).length === names.length, patienceMs);
  }

  source(names: readonly string[]): Source {
    const { server, caFile, adminToken } = this.#site.cluster;
    return { server, caFile, token: adminToken, namespace, names };
  }

  async roots(domain: string): Promise<readonly string[]> {
    return this.#rotations.roots(domain);
  }

  async killWhenRecordChanges(domain: string): Promise<void> {
    const { name, resourceVersion } = (await this.#client.send('GET', paths.record(domain))).metadata;
    let known = resourceVersion;
    const seen = ({ metadata }: WireObject): void => {
      if (metadata.name !== name || metadata.resourceVersion === known) return;
      known = metadata.resourceVersion;
      void this.daemon.kill(`the record of ${domain} changed`);
    };
    await this.#client.watch(paths.secrets('mtlsd-system'), seen, this.#abort.signal);
  }

  async request(name: string, spec: CARotationSpec): Promise<void> {
    await this.#rotations.request(name, spec);
  }

  async status(name: string): Promise<CARotationStatus | undefined> {
    return this.#rotations.status(name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
    await this.daemon[Symbol.asyncDispose]();
    await this.#client[Symbol.asyncDispose]();
    await this.#site[Symbol.asyncDispose]();
    await rm(this.delivered, { recursive: true, force: true });
  }
}
