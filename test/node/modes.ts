/** Real pods of every row of the table of modes: what kubelet makes of the files, seen from inside each container. */
import { expect, vi } from 'vitest';
import { identity, namespace, serviceAccount } from '../cluster/controller-site.ts';
import { modeCases, type FileState, type ModeCase } from './modes-table.ts';
import type { NodeSite } from './node-site.ts';

const place = 'modes';
const files = { secret: ['ca.crt', 'credential-bundle.pem', 'tls.crt', 'tls.key'], 'pod-certificate': ['ca.crt', 'credential-bundle.pem', 'tls.crt', 'tls.key'] } as const;
type Delivery = keyof typeof files;
const deliveries: readonly Delivery[] = ['secret', 'pod-certificate'];

/** Prints each file with mode, owner and group when this user can read it; then waits to be asked. */
const script = `cd /var/run/secrets/mtlsd && for f in ${files.secret.join(' ')}; do cat $f > /dev/null && stat -L -c '%a %u %g %n' $f; done; sleep 100000`;

const podName = (index: number, delivery: Delivery): string => `row-${index}-${delivery}`;

function podOf(row: ModeCase, index: number, delivery: Delivery): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace: place, name: podName(index, delivery), labels: { 'mtlsd.io/inject': delivery } },
    spec: {
      serviceAccountName: 'modes',
      terminationGracePeriodSeconds: 0,
      securityContext: row.pod,
      containers: row.containers.map((securityContext, number) => ({ name: `c${number}`, image: 'mtlsd.test/shell:1', imagePullPolicy: 'Never', command: ['sh', '-c', script], securityContext })),
    },
  };
}

/** Runs a pod for each row and each delivery, and holds what every container sees to the table. */
export async function expectModes(node: NodeSite, patienceMs: number): Promise<void> {
  const { site } = node;
  await site.apply(namespace(place), serviceAccount(place, 'modes'), identity(place, 'modes'));
  await node.identityIsReady(place, 'modes');
  const pods = modeCases.flatMap((row, index) => deliveries.map((delivery) => ({ row, index, delivery })));
  await site.apply(...pods.map(({ row, index, delivery }) => podOf(row, index, delivery)));
  const wrong: string[] = [];
  for (const { row, index, delivery } of pods) {
    const wanted = delivery === 'secret' ? row.secret : row.podCertificate;
    for (const number of row.containers.keys()) {
      const lines = await linesOf(node, podName(index, delivery), `c${number}`, files[delivery].length, patienceMs);
      const expected = files[delivery].map((file) => `${told(wanted)} ${file}`);
      if (lines.join() !== expected.join()) wrong.push(`${delivery}, when ${row.name}, container ${number}: ${lines.join(', ')}`);
    }
  }
  expect(wrong).toEqual([]);
  await site.remove(`/api/v1/namespaces/${place}`);
}

function told({ mode, user, group }: FileState): string {
  return `${mode.toString(8)} ${user} ${group}`;
}

async function linesOf({ site }: NodeSite, pod: string, container: string, count: number, timeout: number): Promise<readonly string[]> {
  return vi.waitFor(
    async () => {
      const lines = (await site.kubectl(['logs', '--namespace', place, pod, '--container', container])).trim().split('\n');
      if (lines.length < count) throw new Error(`${pod} says: ${lines.join(', ')}`);
      return lines;
    },
    { timeout, interval: 500 },
  );
}
