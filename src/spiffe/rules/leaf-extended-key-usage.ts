import { keyPurposes } from '../extensions.ts';
import { rule } from './rule.ts';

export const leafExtendedKeyUsageRule = rule({
  id: 'SPIFFE-11',
  appliesTo: ['leaf'],
  severity: 'error',
  citation: 'X509-SVID §4.4',
  description: 'If there is an extKeyUsage, it has both serverAuth and clientAuth.',
  remedy: 'Issue it with both: a workload is a server to some and a client to others.',
  check: (view) => {
    const usages = view.extendedKeyUsage?.usages;
    if (usages === undefined) return undefined;
    const missing = (['serverAuth', 'clientAuth'] as const).filter((name) => !usages.includes(keyPurposes[name]));
    return missing.length === 0 ? undefined : `lacks ${missing.join(' and ')} in its extKeyUsage`;
  },
});
