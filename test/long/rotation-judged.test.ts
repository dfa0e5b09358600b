/**
 * Rotations before judges that nobody here wrote: what the daemon delivers is kept while it is killed at every gate, and every
 * leaf is judged against every bundle that a workload may have had then. `npm run test:long`.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { keyAlgorithms } from '../../src/x509/index.ts';
import { readIdentity } from '../conformance/identity-folder.ts';
import { panelEntries } from '../conformance/judges/panels.ts';
import { FolderRotations } from '../rotation-live/folder-rotations.ts';
import { Delivered, rootsOfDer, rootsOfSpiffeBundle, type Look } from '../rotation-live/delivered.ts';
import { complaints } from '../rotation-live/judged.ts';
import { RequestedRotation } from '../rotation-live/requested-rotation.ts';
import { identity, Sandbox, trustDomain } from '../standalone/sandbox.ts';

const domain = 'judged.example';
const identities = keyAlgorithms.flatMap((algorithm) => Array.from({ length: 3 }, (_, index) => ({ algorithm, name: `${algorithm.toLowerCase()}-${index}` })));

/** What identities have, and every bundle that is delivered, in each form that it has. */
function lookAt({ out }: Sandbox): Look {
  const read = identities.map(({ algorithm, name }) => ({ algorithm, name, ...readIdentity(join(out, 'identities/shop', name)) }));
  const bundles: Record<string, string> = {};
  for (const { name, roots, folder } of read) {
    bundles[`ca.crt of ${name}`] = roots;
    bundles[`bundle.json of ${name}`] = rootsOfSpiffeBundle(readFileSync(join(folder, 'bundle.json'), 'utf8'));
    bundles[`ca.der of ${name}`] = rootsOfDer(readFileSync(join(folder, 'ca.der')));
  }
  return { leaves: read.map(({ algorithm, name, chain, key }) => ({ algorithm, name, chain, key })), bundles };
}

describe('rotations before judges that nobody here wrote', () => {
  let sandbox: Sandbox;
  let delivered: Delivered;

  beforeAll(async () => {
    sandbox = new Sandbox();
    sandbox.write('shop.yaml', trustDomain(domain, { rotation: { propagationBound: '1s', consumerReload: '1s' } }), ...identities.map(({ algorithm, name }) => identity(name, { keyAlgorithm: algorithm, formats: { der: true } })));
    let daemon = sandbox.start();
    for (const { name } of identities) await sandbox.issued(name);
    delivered = new Delivered(join(sandbox.root, 'kept'));
    delivered.meet('before', lookAt(sandbox));
    const rotate = async (name: string, abortAt?: string): Promise<string> => {
      const rotation = await RequestedRotation.of(new FolderRotations(sandbox), name, domain);
      return rotation.follow(async (place) => {
        delivered.meet(`${name} at ${place}`, lookAt(sandbox));
        await daemon.stop('SIGKILL');
        daemon = sandbox.start();
        if (place === abortAt) await rotation.abort();
      });
    };
    expect([await rotate('early', 'Confirm/Loaded'), await rotate('late', 'Reissue/Reissued'), await rotate('whole')]).toEqual(['Aborted', 'Aborted', 'Complete']);
    delivered.meet('after', lookAt(sandbox));
    await daemon.stop();
    console.log(`${delivered.leaves.size} leaves, ${delivered.bundles.size} bundles from ${delivered.places.size} places, ${delivered.meetings.length} ways in which they met`);
  }, 600_000);
  afterAll(async () => sandbox?.[Symbol.asyncDispose]());

  test.for(panelEntries)('$title accepts every leaf that was in use against every bundle that was', { timeout: 900_000 }, async ({ title, open }) => {
    await using panel = await open(process.env);
    for (const meeting of delivered.meetings) {
      // keytool installs one root at a time: it is asked where there is one.
      const bundles = title === 'keytool' && meeting.bundles.length > 1 ? [] : meeting.bundles;
      expect([meeting.title, await complaints(panel, domain, { ...meeting, bundles })]).toEqual([meeting.title, []]);
    }
  });
});
