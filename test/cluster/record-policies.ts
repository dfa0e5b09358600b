/** A part of the tests of all policies: who may touch authority records, which hold the keys of a trust domain. */
import { beforeAll, describe, test } from 'vitest';
import { systemNamespace } from './chart.ts';
import { dry, metadataOf, type PolicySite, recordLabels, secret, secretsOf, users } from './policy-site.ts';

const { mtlsd, root, jane, velero } = users;

/** Who may touch authority records. */
export function describeRecordPolicies(site: PolicySite): void {
  describe('authority records', () => {
    const refusal = /authority records hold the keys of a trust domain, .*: mtlsd alone writes them/;
    const name = 'mtlsd-authorities-shop.example';
    const path = `${secretsOf(systemNamespace)}/${name}${dry}`;
    const draft = secret(name, { type: 'mtlsd.io/authorities', labels: recordLabels });
    let stored: ReturnType<typeof metadataOf>;
    beforeAll(async () => {
      stored = metadataOf(await site.expectAdmitted(site.api().send('POST', secretsOf(systemNamespace), draft, mtlsd)));
    });

    test('are not made, changed or removed by somebody who may edit Secrets there', async () => {
      const forged = (labels: Readonly<Record<string, string>>) => secret('mtlsd-authorities-new.example', { type: 'mtlsd.io/authorities', labels });
      // Two policies refuse the first of these; either may speak.
      await site.expectRefused(/denied request/, () => site.api().send('POST', secretsOf(systemNamespace) + dry, forged(recordLabels), jane));
      await site.expectRefused(refusal, () => site.api().send('POST', secretsOf(systemNamespace) + dry, forged({ 'mtlsd.io/authority-record': 'true' }), jane));
      await site.expectRefused(refusal, () => site.api().send('POST', secretsOf(systemNamespace) + dry, secret('mtlsd-authorities-new.example', { type: 'Opaque', labels: {} }), jane));
      await site.expectRefused(refusal, () => site.api().send('PUT', path, { ...draft, metadata: { ...draft.metadata, ...stored } }, jane));
      await site.expectRefused(refusal, () => site.api().send('DELETE', path, undefined, jane));
      await site.expectAdmitted(site.api().send('POST', secretsOf(systemNamespace) + dry, secret('janes-own', { labels: {} }), jane));
    });

    test('are changed by mtlsd, and never deleted by it', async () => {
      await site.expectRefused(refusal, () => site.api().send('DELETE', path, undefined, mtlsd));
      await site.expectAdmitted(site.api().send('PUT', path, { ...draft, metadata: { ...draft.metadata, ...stored } }, mtlsd));
    });

    test('are restored by administrators, and by whom restore.subjects lists', async () => {
      const lost = secret('mtlsd-authorities-lost.example', { type: 'mtlsd.io/authorities', labels: recordLabels });
      for (const who of [undefined, root, velero]) {
        await site.expectAdmitted(site.api().send('POST', secretsOf(systemNamespace) + dry, lost, who));
        await site.expectAdmitted(site.api().send('DELETE', path, undefined, who));
      }
    });
  });
}
