/** The tests of a page that shows a server and a client in one language. */
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { freePorts } from '../cluster/ports.ts';
import { savePageFiles } from './page-files.ts';
import type { Talk } from './probe.ts';
import { refusesClients, refusesServer, staysUpAcrossRenewals, untilServing, type Stack } from './scenario.ts';
import { Site, type Wishes } from './site.ts';

/** What differs between the pages. */
export interface PageUnderTest {
  readonly page: string;
  /** Which part of the page, when it is not the whole. */
  readonly part?: string;
  readonly ready: boolean;
  /** Compiles what the page shows, in the folder where it was saved. */
  readonly build: (folder: string) => Promise<Stack>;
  readonly talk: (port: number) => Talk;
  /** What the identities need beyond their names. */
  readonly wishes?: Wishes;
}

/** Runs the server and the client of a page across renewals, and with peers that they must refuse. */
export function testStack({ page, part, ready, build, talk: talkTo, wishes }: PageUnderTest): void {
  describe.skipIf(!ready)(`docs/clients/${page}.md${part === undefined ? '' : `: ${part}`}`, () => {
    let folder: string;
    let stack: Stack;
    let site: Site;
    /** Another mtlsd with the same manifests: all names are right, and the root is another. */
    let impostor: Site;
    beforeAll(async () => {
      folder = await realpath(await mkdtemp(join(tmpdir(), `mtlsd-clients-${page}-`)));
      await savePageFiles(page, folder);
      [stack, site, impostor] = await Promise.all([build(folder), Site.open(wishes), Site.open(wishes)]);
    }, 300_000);
    afterAll(async () => {
      await Promise.all([site, impostor].map((each) => each?.[Symbol.asyncDispose]()));
      await rm(folder, { recursive: true, force: true });
    });

    const port = async (): Promise<number> => (await freePorts(1))[0] ?? 0;

    test('server and client follow renewals without a failed handshake', async () => {
      const talk = talkTo(await port());
      await using server = stack.serve(site.folder('cart'), talk.port, 'checkout');
      await untilServing(talk, site, server);
      await using client = stack.call(site.folder('checkout'), talk.port, 'cart');
      await staysUpAcrossRenewals(site, talk, server, client);
      await client.stop();
      await server.stop();
    });

    test('the server refuses other clients', async () => {
      const talk = talkTo(await port());
      await using server = stack.serve(site.folder('cart'), talk.port, 'checkout');
      await untilServing(talk, site, server);
      await refusesClients(talk, site, impostor);
      await server.stop();
    });

    test('the client refuses other servers', async () => {
      for (const [cart, wanted] of [[site, 'stranger'], [impostor, 'cart']] as const) {
        const talk = talkTo(await port());
        await using server = stack.serve(cart.folder('cart'), talk.port, 'checkout');
        await untilServing(talk, cart, server);
        await using client = stack.call(site.folder('checkout'), talk.port, wanted);
        await refusesServer(client);
        await server.stop();
      }
    });
  });
}
