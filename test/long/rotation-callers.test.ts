/** A root is rotated under a caller of the HTTPS API that shakes hands with a workload all the time: `npm run test:long`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { freePorts } from '../cluster/ports.ts';
import { goJudge } from '../conformance/judges/go.ts';
import { nodePeer } from '../conformance/peers/node.ts';
import { programPeer } from '../conformance/peers/program.ts';
import { FolderRotations } from '../rotation-live/folder-rotations.ts';
import { RequestedRotation } from '../rotation-live/requested-rotation.ts';
import { betweenBoth, Shaking } from '../rotation-live/shaking.ts';
import { Identity } from '../standalone/identity.ts';
import { identity, Sandbox, trustDomain } from '../standalone/sandbox.ts';
import { until } from '../standalone/wait.ts';
import { claims, signingKey, token } from '../tokens/tokens.ts';

const domain = 'shop.example';
const job = `spiffe://${domain}/ext/ci/42`;
const key = signingKey('ES256', 'one');

test('a caller that svid fetch --watch keeps has the new root before the switch, and reaches an API that has changed roots: nobody is refused', { timeout: 600_000 }, async () => {
  await using box = new Sandbox();
  const [port = 0] = await freePorts(1);
  const inBox = (name: string): string => join(box.root, name);
  const writeToken = (): void => {
    const now = Math.floor(Date.now() / 1000);
    writeFileSync(inBox('token'), token(key, { iss: claims.iss, sub: 'pipeline', aud: 'mtlsd', iat: now, exp: now + 300, project: 42 }));
  };
  writeToken();
  writeFileSync(inBox('keys.json'), JSON.stringify({ keys: [key.jwk] }));
  writeFileSync(inBox('api.yaml'), configuration(inBox('keys.json')));
  // Consumers of files see what is written at once: what a rotation waits for is that the caller has asked.
  box.write('all.yaml', trustDomain(domain, { dnsNames: { allowedPatterns: ['localhost'] }, rotation: { propagationBound: '1s', consumerReload: '1s' } }), identity('mtlsd-api', { dnsNames: ['localhost'] }), identity('cart'));
  const start = () => box.start('--api-listen', `127.0.0.1:${port}`, '--api-identity', 'shop/mtlsd-api', '--api-config', inBox('api.yaml'));
  let daemon = start();
  const [server, cart] = [await box.issued('mtlsd-api'), await box.issued('cart')];
  await daemon.says('the API has its certificate');
  const out = inBox('svid');
  const fetch = (caFile: string): readonly string[] => ['svid', 'fetch', '--api', `https://localhost:${port}`, '--ca-file', caFile, '--token-file', inBox('token'), '--out', out];
  expect(await box.command(...fetch(server.file('ca.crt'))).outcome()).toMatchObject({ status: 0, stdout: `${job}\n` });
  box.command(...fetch(join(out, 'ca.crt')), '--watch');

  const rotations = new FolderRotations(box);
  const [before = ''] = await rotations.roots(domain);
  const stacks = [nodePeer, programPeer('Go', [await goJudge(process.env)], process.env)];
  const shaking = new Shaking(betweenBoth(stacks, { folder: cart.folder, spiffeId: `spiffe://${domain}/ns/shop/sa/cart` }, { folder: out, spiffeId: job }));
  let rootsBeforeSwitch = 0;
  try {
    const rotation = await RequestedRotation.of(rotations, 'callers', domain);
    // What the caller has of the old root ends hours later: as long waits the gate Drained.
    await rotation.follow(async (place) => {
      writeToken();
      if (place === 'Canary/Canary') rootsBeforeSwitch = readFileSync(join(out, 'ca.crt'), 'utf8').match(/BEGIN/gu)?.length ?? 0;
      if (place !== 'Confirm/Fetched' && place !== 'Reissue/Reissued') return;
      await daemon.stop('SIGKILL');
      daemon = start();
    }, 'Drain/Drained');
    // The API shows a certificate of the new root by now, and the caller gets one.
    await until('it is fetched again', async () => (await box.command(...fetch(join(out, 'ca.crt'))).outcome()).status === 0);
    const shaken = shaking.ok;
    await until('they have shaken hands with it', () => shaking.ok > shaken + 50);
  } finally {
    await shaking.end();
  }
  console.log(`${shaking.ok} handshakes`);
  expect(shaking.failed).toEqual([]);
  expect(rootsBeforeSwitch).toBe(2);
  expect((await rotations.roots(domain))[0]).not.toBe(before);
  expect(new Identity(out).now()?.spiffeId).toBe(job);
});

function configuration(keys: string): string {
  return `apiVersion: mtlsd.io/v1alpha1
kind: ApiConfiguration
issuers:
  - { issuer: ${claims.iss}, keySetFile: ${keys} }
rules:
  - { name: ci, issuer: ${claims.iss}, audiences: [mtlsd] }
callers:
  - { name: ci, rules: ci, trustDomain: ${domain}, path: [project] }
`;
}
