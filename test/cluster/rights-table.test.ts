/** docs/reference/rights.md and the chart say the same: every right is explained, and nothing is explained that is not granted. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Manifest } from './chart.ts';
import { renderChart, systemNamespace } from './chart.ts';
import type { PolicyRule, Right } from './rights-audit.ts';
import { rightsOf } from './rights-of.ts';

const account = { name: 'mtlsd', namespace: systemNamespace };

/** The rows below a heading: cells without their backquotes. */
function rowsUnder(heading: string, text: string): string[][] {
  const section = text.split(/^## /m).find((part) => part.startsWith(`${heading}\n`)) ?? '';
  const lines = section.split('\n').filter((line) => line.startsWith('|'));
  return lines.slice(2).map((line) => line.split('|').slice(1, -1).map((cell) => cell.replaceAll('`', '').trim()));
}

function qualified({ group, resource, name }: Pick<Right, 'group' | 'resource' | 'name'>): string {
  const [plural = '', subresource] = resource.split('/');
  return [plural, group === '' ? '' : `.${group}`, subresource === undefined ? '' : `/${subresource}`, name === undefined ? '' : ` named ${name}`].join('');
}

describe('the reference of rights', () => {
  let text: string;
  let manifests: Manifest[];
  beforeAll(async () => {
    text = await readFile(join(import.meta.dirname, '..', '..', 'docs', 'reference', 'rights.md'), 'utf8');
    manifests = await renderChart();
  });

  const documented = (heading: string): string[] => rowsUnder(heading, text).map(([where = '', resource = '', verbs = '']) => `${where.split(' ')[0]}: ${verbs} ${resource}`);
  function granted(rights: readonly Right[]): string[] {
    const verbs = new Map<string, string[]>();
    for (const right of rights) {
      const key = `${right.namespace === undefined ? 'everywhere' : 'own'} ${qualified(right)}`;
      verbs.set(key, [...(verbs.get(key) ?? []), right.verb]);
    }
    return [...verbs].map(([key, list]) => key.replace(' ', `: ${list.join(', ')} `));
  }

  test('lists every right of the service account', () => {
    expect(documented("mtlsd's service account").toSorted()).toEqual(granted(rightsOf(account, manifests)).toSorted());
  });

  test('lists every right that restarts of workloads add', async () => {
    const more = await renderChart(['--set', 'reload.rolloutRestart.enabled=true']);
    const before = new Set(granted(rightsOf(account, manifests)));
    expect(documented('With restarts of workloads').toSorted()).toEqual(granted(rightsOf(account, more)).filter((right) => !before.has(right)).toSorted());
    const isPolicy = ({ kind, metadata }: Manifest): boolean => kind === 'ValidatingAdmissionPolicy' && metadata.name === 'mtlsd-restarts';
    expect([manifests.some(isPolicy), more.some(isPolicy)]).toEqual([false, true]);
  });

  test('lists every right that the API adds', async () => {
    const more = await renderChart(['--set', 'api.enabled=true']);
    const before = new Set(granted(rightsOf(account, manifests)));
    expect(documented('With the HTTPS API').toSorted()).toEqual(granted(rightsOf(account, more)).filter((right) => !before.has(right)).toSorted());
  });

  test('lists every policy', () => {
    const policies = manifests.filter(({ kind }) => kind === 'ValidatingAdmissionPolicy').map(({ metadata }) => metadata.name);
    expect(rowsUnder('What policies take away again', text).map(([name = '']) => name).toSorted()).toEqual(policies.toSorted());
  });

  test('lists every role that is there for people', () => {
    interface ClusterRole extends Manifest {
      readonly rules: readonly PolicyRule[];
    }
    const roles = manifests.filter(({ kind, metadata }) => /^(?:Cluster)?Role$/.test(kind) && /^mtlsd-(identities|restore|rotate|receipts)/.test(metadata.name)) as ClusterRole[];
    const nameOf = ({ kind, metadata }: ClusterRole): string => (kind === 'Role' ? `${metadata.name}, a Role in mtlsd's namespace` : metadata.name);
    const rows = roles.flatMap((role) => role.rules.map(({ verbs, resources = [], apiGroups = [] }) => `${nameOf(role)}: ${verbs.join(', ')} on ${[...resources, ...apiGroups].filter((part) => part !== '').join('.')}`));
    expect(rowsUnder('People', text).map(([name = '', grants = '']) => `${name}: ${grants}`).toSorted()).toEqual(rows.toSorted());
  });
});
