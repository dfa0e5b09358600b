/** A cluster with a node and the chart's rights, policies and injection on it; mtlsd runs beside it, as the chart's service account. */
import { vi } from 'vitest';
import { renderChart } from '../cluster/chart.ts';
import { isReady, paths, Site, trustDomain } from '../cluster/controller-site.ts';
import { ControllerProcess } from '../cluster/controller-process.ts';

/** The trust domain of these tests; the installation's default. */
export const domain = 'mesh.example';
/** The node's kubelet looks at each pod every 10 to 15 s: that is how late a renewal may be seen, and so how short a life may be. */
export const pace = { rotation: { propagationBound: '16s' } };
/** Above the shortest (190 s) with that bound, for a machine that has a lot to do: renewed after 84 to 126 s, with as much as that to go. */
export const quickTtl = '210s';

/** What the chart's Deployment passes, with the values of these tests. */
const options = ['--rollout-restart'];

/** How long a test waits for what has to come: minutes, since the machine may have a lot to do besides. */
export const patienceMs = 180_000;

export class NodeSite implements AsyncDisposable {
  readonly site: Site;
  controller: ControllerProcess;

  private constructor(site: Site) {
    this.site = site;
    this.controller = ControllerProcess.start(site.kubeconfig, options);
  }

  /** With certificates.k8s.io/v1beta1 beside v1, for those who ask for it. */
  static async open(): Promise<NodeSite> {
    const site = await Site.open({ node: true, audit: false, runtimeConfig: 'certificates.k8s.io/v1beta1=true' }, false);
    await using started = new AsyncDisposableStack();
    started.use(site);
    await applyChart(site);
    const node = new NodeSite(site);
    started.defer(async () => node.controller[Symbol.asyncDispose]());
    await node.#begin();
    started.move();
    return node;
  }

  async #begin(): Promise<void> {
    await this.#leads();
    await this.site.apply(trustDomain(domain, { default: true, ...pace }));
    await this.site.see(paths.clusterTrustBundle(domain), undefined, patienceMs);
    await this.#seeInjection();
  }

  async #leads(): Promise<void> {
    await vi.waitFor(async () => this.controller.leads(), { timeout: patienceMs });
  }

  /** Starts mtlsd again after it was stopped or killed. */
  async startController(kubeconfig = this.site.kubeconfig): Promise<void> {
    this.controller = ControllerProcess.start(kubeconfig, options);
    await this.#leads();
  }

  async identityIsReady(namespace: string, name: string): Promise<void> {
    await this.site.see(paths.identity(namespace, name), isReady, patienceMs);
  }

  /** A policy takes effect some time after it was created. */
  async #seeInjection(): Promise<void> {
    await vi.waitFor(
      async () => {
        const probe = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'probe', labels: { 'mtlsd.io/inject': 'secret' } }, spec: { containers: [{ name: 'a', image: 'a' }] } };
        const { body } = await this.site.send('POST', '/api/v1/namespaces/default/pods?dryRun=All', probe);
        const { spec } = body as { readonly spec?: { readonly volumes?: readonly { readonly name: string }[] } };
        if (spec?.volumes?.some(({ name }) => name === 'mtlsd') !== true) throw new Error(`not injected yet: ${JSON.stringify(body)}`);
      },
      { timeout: patienceMs, interval: 100 },
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.controller[Symbol.asyncDispose]();
    await this.site[Symbol.asyncDispose]();
  }
}

/** All of the chart but its Deployment. The chart's rights are enough, or these tests fail. */
async function applyChart(site: Site): Promise<void> {
  await site.remove('/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/mtlsd-test');
  const objects = await renderChart(['--set', `injection.trustDomain=${domain}`, '--set', 'reload.rolloutRestart.enabled=true', '--api-versions', 'v1/Pod', '--api-versions', 'admissionregistration.k8s.io/v1/MutatingAdmissionPolicy']);
  const isDefinition = ({ kind }: { readonly kind: string }): boolean => kind === 'CustomResourceDefinition';
  await site.apply(...objects.filter(isDefinition));
  await site.kubectl(['wait', '--for=condition=Established', 'crd', '--all', '--timeout=180s']);
  await site.apply(...objects.filter((object) => !isDefinition(object) && object.kind !== 'Deployment'));
}
