import { expect, test, vi } from 'vitest';
import { requirementsMet } from './requirements.ts';

const bare = { PATH: '/nowhere' };

test('a tool that is missing on the machine of a person is told once, with the way to get it', async () => {
  const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  try {
    expect(await requirementsMet('the Go judge', ['go'], bare)).toBe(false);
    expect(write.mock.calls).toEqual([['\nSKIPPED: the Go judge: go not found on PATH; install Go 1.26 or later from https://go.dev/dl/\n']]);
  } finally {
    write.mockRestore();
  }
});

test('a tool that is missing under CI=true is a failure', async () => {
  await expect(requirementsMet('the Go judge', ['go'], { ...bare, CI: 'true' })).rejects.toThrow('Under CI=true nothing is skipped');
});

test('nothing is told when everything is there', async () => {
  expect(await requirementsMet('nothing', [], { ...bare, CI: 'true' })).toBe(true);
});
