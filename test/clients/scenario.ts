/** What every stack goes through: renewals under load without one failed handshake, and peers that it has to refuse. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import type { Command } from '../standalone/command.ts';
import { until } from '../standalone/wait.ts';
import { probe, type Talk } from './probe.ts';
import type { Name, Site } from './site.ts';

const patienceMs = 30_000;
/** How often both identities are renewed. */
const renewals = 6;

/** How the two programs of a page are started, and whom they are told to admit and to call. */
export interface Stack {
  readonly serve: (folder: string, port: number, client: Name) => Command;
  readonly call: (folder: string, port: number, server: Name) => Command;
}

/** Waits for the first good answer of a server that was just started. */
export async function untilServing(talk: Talk, site: Site, server: Command): Promise<void> {
  await until('the server answers', async () => {
    if (!server.running) return true;
    return (await probe(talk, site.folder('checkout'))).answer.includes(talk.greeting);
  }, patienceMs);
  if (!server.running) throw new Error(`the server ended:\n${server.stdout}${server.stderr}`);
}

/** The serial numbers that a client was told by the server: those of its own certificates, in order. */
function toldSerials({ stdout }: Command, talk: Talk): readonly bigint[] {
  const complete = stdout.split('\n').slice(0, -1);
  return complete.map((line) => {
    const serial = talk.toldSerial(line);
    if (serial === undefined) throw new Error(`the client printed: ${line}`);
    return serial;
  });
}

/**
 * Renews both identities again and again while the client calls. After each renewal the server shows the new certificate, and the
 * client presents its own; no call and no probe ever fails.
 */
export async function staysUpAcrossRenewals(site: Site, talk: Talk, server: Command, client: Command): Promise<void> {
  await until('the client was answered', () => !client.running || toldSerials(client, talk).length > 0);
  const seen = new Set<bigint>();
  for (let renewal = 0; renewal < renewals; renewal++) {
    await site.renew('cart', 'checkout');
    await bothUse(`renewal ${renewal + 1} is in use at both ends`, server, client, async () => {
      const shown = await probe(talk, site.folder('checkout'));
      expect(shown.answer).toContain(talk.greeting);
      seen.add(shown.serial);
      return shown.serial === site.serial('cart') && toldSerials(client, talk).at(-1) === site.serial('checkout');
    });
  }
  expect(client.stderr).toBe('');
  expect(new Set(toldSerials(client, talk)).size).toBeGreaterThanOrEqual(renewals);
  expect(seen.size).toBeGreaterThanOrEqual(renewals);
}

/** Unlike `until`, it lets pass nothing that goes wrong: what `look` throws is a failure. */
async function bothUse(what: string, server: Command, client: Command, look: () => Promise<boolean>): Promise<void> {
  const endMs = performance.now() + patienceMs;
  while (!(await look())) {
    const said = `server: ${server.stderr}\nclient: ${client.stdout.slice(-500)}${client.stderr}`;
    if (!client.running || !server.running) throw new Error(`${what}: a program has ended\n${said}`);
    if (performance.now() > endMs) throw new Error(`waited in vain until ${what}\n${said}`);
    await sleep(20);
  }
}

/** The server greets nobody but the one client: not one of another name, without certificate, or of a false authority. */
export async function refusesClients(talk: Talk, site: Site, impostor: Site): Promise<void> {
  for (const folder of [site.folder('stranger'), undefined, impostor.folder('checkout')]) {
    const answer = await probe(talk, folder).then(({ answer }) => answer, (error: Error) => error.message);
    expect([folder, answer]).not.toEqual([folder, expect.stringContaining(talk.greeting)]);
  }
  expect((await probe(talk, site.folder('checkout'))).answer).toContain(talk.greeting);
}

/** A client that reaches a server whom it must not believe ends with an error, and has printed nothing. */
export async function refusesServer(client: Command): Promise<void> {
  await until('the client ends', () => !client.running || client.stdout !== '', patienceMs);
  const { status, stdout } = await client.stop();
  expect([status === 0, stdout]).toEqual([false, '']);
}
