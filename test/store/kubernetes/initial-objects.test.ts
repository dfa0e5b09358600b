import { expect, test } from 'vitest';
import { InitialObjects } from '../../../src/store/kubernetes/initial-objects.ts';
import type { WireObject } from '../../../src/store/kubernetes/wire-object.ts';

const wire = (name: string, resourceVersion: string, uid = 'u'): WireObject => ({ metadata: { name, namespace: 'n', uid, resourceVersion, creationTimestamp: '2026-01-01T00:00:00Z' } });
const shown = (initial: InitialObjects<'ConfigMap'>): readonly string[] => initial.objects().map(({ metadata }) => `${metadata.name} ${metadata.resourceVersion}`);

test('changes between the objects count, whatever their order', () => {
  const initial = new InitialObjects('ConfigMap');
  initial.add('ADDED', wire('a', '5'));
  initial.add('ADDED', wire('b', '3'));
  initial.add('MODIFIED', wire('b', '7'));
  initial.add('DELETED', wire('a', '8'));
  expect(shown(initial)).toEqual(['b 7']);
});

test('an older state that is sent again changes nothing', () => {
  const initial = new InitialObjects('ConfigMap');
  initial.add('MODIFIED', wire('a', '10'));
  initial.add('ADDED', wire('a', '9'));
  initial.add('DELETED', wire('a', '4', 'older'));
  expect(shown(initial)).toEqual(['a 10']);
});
