import { beforeAll, describe, expect, test } from 'vitest';
import type { AuthorityRecord } from '../../src/authority/index.ts';
import { Records } from './records.ts';
import { ReservationWorld, type Forgetful } from './reservation-world.ts';
import { searchAndTell } from './told-search.ts';

let record: AuthorityRecord;
beforeAll(async () => {
  ({ record } = (await Records.make()).first);
});

describe('every order of signatures, backups, restores of reservations, deaths and drains', () => {
  test('no authority goes while a certificate of it lives that nobody lists, and it goes in the end', () => {
    const { problem, done } = searchAndTell('restored reservations', new ReservationWorld(record, 6));
    expect(problem).toBeUndefined();
    expect(done).toBeGreaterThan(0);
  });

  test.each<[Forgetful]>([['status'], ['memory'], ['both']])('without what is known by %s, the search finds a story that ends badly', (forgets) => {
    const { problem } = searchAndTell(`restored reservations, without ${forgets}`, new ReservationWorld(record, 2, forgets));
    expect(problem?.what).toBe('the authority is gone, and a certificate of it lives');
  });
});
