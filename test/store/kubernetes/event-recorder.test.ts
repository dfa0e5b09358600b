/** In which order people are told, over real connections to a server that answers when the test wants it to. */
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createEventRecorder, openKubernetesStore, type KubernetesStore } from '../../../src/store/kubernetes/index.ts';

const patience = { timeout: 15_000, interval: 10 };
let folder: string;
let server: Server;
let store: KubernetesStore;
let warnings: string[];
/** Reasons of the events that arrived. */
let told: string[];
/** Reads that wait for an answer. */
let held: ServerResponse[];
let hold: 'reads' | 'everything';

beforeEach(async () => {
  [told, held, warnings, hold] = [[], [], [], 'reads'];
  server = createServer((request, response) => void answer(request, response));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  folder = await mkdtemp(join(tmpdir(), 'mtlsd-events-'));
  const kubeconfig = join(folder, 'kubeconfig');
  const cluster = { server: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, 'insecure-skip-tls-verify': true };
  await writeFile(kubeconfig, JSON.stringify({ clusters: [{ name: 'c', cluster }], users: [{ name: 'u', user: { token: 't' } }], contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }], 'current-context': 'x' }));
  const log = { debug: () => undefined, info: () => undefined, warn: (_message: string, fields?: object) => void warnings.push(JSON.stringify(fields)), error: () => undefined };
  store = openKubernetesStore({ kubeconfig, fieldManager: 'mtlsd', log, random: () => 0.5, nowMs: () => 0, connections: 16 });
});
afterEach(async () => {
  release();
  await store.close();
  server.close();
  await rm(folder, { recursive: true });
});

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) text += String(chunk);
  if (request.method === 'POST') told.push((JSON.parse(text) as { reason: string }).reason);
  if (request.method === 'GET' || hold === 'everything') held.push(response);
  else response.writeHead(201, { 'content-type': 'application/json' }).end('{}');
}

function release(): void {
  const absent = { kind: 'Status', apiVersion: 'v1', status: 'Failure', code: 404, reason: 'NotFound', details: { name: 's', kind: 'secrets' } };
  for (const response of held.splice(0)) response.writeHead(404, { 'content-type': 'application/json' }).end(JSON.stringify(absent));
}

const recorder = () => createEventRecorder({ api: store.api, instance: 'here', log: { debug: () => undefined, info: () => undefined, warn: (_message, fields) => void warnings.push(JSON.stringify(fields)), error: () => undefined }, random: Math.random, nowMs: () => 0 });
const target = (name: string) => ({ apiVersion: 'v1', kind: 'Secret', metadata: { namespace: 'a', name, uid: name } });
const event = (type: 'Normal' | 'Warning', reason: string) => ({ type, reason, message: reason });

/** Calls of reconcilers that are under way until `release`. */
async function busy(calls: number): Promise<{ readonly reads: Promise<unknown> }> {
  const reads = Promise.all(Array.from({ length: calls }, (_, n) => store.get({ kind: 'Secret', namespace: 'a', name: `s${n}` })));
  await vi.waitFor(() => expect(held).toHaveLength(calls), patience);
  return { reads };
}

test('a warning is told before all that is normal, though that came first; and everything is told', async () => {
  await using events = recorder();
  const { reads } = await busy(5);
  for (let n = 0; n < 5; n += 1) events.record(target(`n${n}`), event('Normal', 'Issued'));
  events.record(target('w'), event('Warning', 'Denied'));
  await vi.waitFor(() => expect(told).toContain('Denied'), patience);
  expect(told[0]).toBe('Denied');
  release();
  await reads;
  await events.drained();
  expect(told).toEqual(['Denied', 'Issued', 'Issued', 'Issued', 'Issued', 'Issued']);
});

test('what is normal is told in the end even where it is never quiet', async () => {
  await using events = recorder();
  const { reads } = await busy(5);
  events.record(target('n'), event('Normal', 'Issued'));
  await events.drained();
  expect(told).toEqual(['Issued']);
  expect(held).toHaveLength(5);
  release();
  await reads;
});

test('a flood of what is normal takes no room from warnings; what is dropped is told once', async () => {
  hold = 'everything';
  await using events = recorder();
  for (let n = 0; n < 2_200; n += 1) events.record(target(`n${n}`), event('Normal', 'Issued'));
  for (let n = 0; n < 300; n += 1) events.record(target(`w${n}`), event('Warning', 'Denied'));
  expect(warnings).toEqual(['{"why":"more than 2048 events wait to be sent"}']);
  await vi.waitFor(() => expect(held).toHaveLength(1), patience);
  hold = 'reads';
  release();
  await vi.waitFor(() => expect(told.filter((reason) => reason === 'Denied')).toHaveLength(300), patience);
  expect(told.slice(0, 300)).not.toContain('Issued');
});
