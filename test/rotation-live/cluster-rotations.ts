import type { CARotationSpec, CARotationStatus } from '../../src/resources/index.ts';
import { fileOf, paths, type Site } from '../cluster/controller-site.ts';
import { until } from '../standalone/wait.ts';
import { rootsIn, type Rotations } from './stage.ts';

const rotations = '/apis/mtlsd.io/v1alpha1/carotations';

/** Rotations on an API server. */
export class ClusterRotations implements Rotations {
  readonly #site: Site;

  constructor(site: Site) {
    this.#site = site;
  }

  async roots(domain: string): Promise<readonly string[]> {
    return rootsIn(fileOf(await this.#site.see(paths.record(domain)), 'record.json'));
  }

  async request(name: string, spec: CARotationSpec): Promise<void> {
    const object = { apiVersion: 'mtlsd.io/v1alpha1', kind: 'CARotation', metadata: { name } };
    await until(`CARotation ${name} is taken`, async () => {
      const stored = await this.#site.get(`${rotations}/${name}`);
      const { code } = stored === undefined ? await this.#site.send('POST', rotations, { ...object, spec }) : await this.#site.send('PUT', `${rotations}/${name}`, { ...stored, spec });
      return code < 300;
    });
  }

  async status(name: string): Promise<CARotationStatus | undefined> {
    return (await this.#site.get(`${rotations}/${name}`))?.status as CARotationStatus | undefined;
  }
}
