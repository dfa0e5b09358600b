/** `defaultMode` of what is injected: the table of docs/concepts/delivery.md, and that no narrower mode would do. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { fileModeOf } from '../../src/injection/file-mode.ts';
import { modeCases, type FileState, type ModeCase } from '../node/modes-table.ts';

const specOf = ({ pod, containers }: ModeCase) => ({ securityContext: pod, containers: containers.map((securityContext) => ({ securityContext })) });

/** Whether a process may read a file, by Unix permissions alone: no capability helps. */
function canRead({ mode, user, group }: FileState, who: { readonly user: number; readonly groups: readonly number[] }): boolean {
  if (who.user === user) return (mode & 0o400) !== 0;
  if (who.groups.includes(group)) return (mode & 0o040) !== 0;
  return (mode & 0o004) !== 0;
}

describe.each(modeCases)('when $name', (row) => {
  test('the mode is as the table says', () => {
    expect(fileModeOf(specOf(row))).toBe(row.defaultMode);
  });

  test('init containers count as well', () => {
    const spec = specOf(row);
    expect(fileModeOf({ ...spec, initContainers: spec.containers })).toBe(row.defaultMode);
    // One whose user nobody knows can be kept out by an fsGroup alone.
    const known = row.pod.fsGroup !== undefined || row.pod.runAsUser !== undefined;
    if (!known) expect(fileModeOf({ ...spec, initContainers: [{}] })).toBe(0o444);
  });

  test.each([['Secret', row.secret], ['pod certificate', row.podCertificate]])('every container can read the files of a %s', (_what, file) => {
    for (const container of row.containers) {
      const user = container.runAsUser ?? row.pod.runAsUser ?? row.imageUser ?? 0;
      const groups = [container.runAsGroup ?? row.pod.runAsGroup ?? user, ...(row.pod.supplementalGroups ?? []), ...(row.pod.fsGroup === undefined ? [] : [row.pod.fsGroup])];
      expect(canRead(file, { user, groups })).toBe(true);
    }
  });
});

test.each([
  ['supplementalGroups with 0', { containers: [{}], securityContext: { supplementalGroups: [5000, 0] } }, 0o440],
  ['one container of two as root', { containers: [{ securityContext: { runAsUser: 0 } }, {}] }, 0o444],
  ['a container that is not root in a pod that is', { containers: [{}, { securityContext: { runAsUser: 1 } }], securityContext: { runAsUser: 0 } }, 0o444],
  ['fsGroup 0', { containers: [{}], securityContext: { fsGroup: 0 } }, 0o440],
  ['root everywhere and an fsGroup', { containers: [{}], securityContext: { runAsUser: 0, fsGroup: 1 } }, 0o440],
])('%s', (_what, spec, mode) => {
  expect(fileModeOf(spec)).toBe(mode);
});

test('docs/concepts/delivery.md shows this table', async () => {
  const page = await readFile(join(import.meta.dirname, '..', '..', 'docs', 'concepts', 'delivery.md'), 'utf8');
  const octal = ({ mode, user, group }: FileState): string => `\`${mode.toString(8).padStart(4, '0')}\` ${named(user)}:${named(group)}`;
  const named = (id: number): string => new Map([[0, 'root'], [1000, 'user'], [2000, 'fsGroup']]).get(id) ?? String(id);
  const rows = modeCases.map(({ name, secret, podCertificate }) => `| ${name} | ${octal(secret)} | ${octal(podCertificate)} |`);
  expect(page.split('\n')).toEqual(expect.arrayContaining(rows));
});
