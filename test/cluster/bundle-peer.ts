/** A server of the bundle of a trust domain, over TLS with a certificate for its host name, in this process. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { encodeSpiffeBundle, parseDnsName } from '../../src/spiffe/index.ts';
import { encodePem, type Certificate } from '../../src/x509/index.ts';
import { dayMs, issueLeaf, keyOf, leafFields, makeHierarchy, trustDomain } from '../x509/hierarchy.ts';

const pem = (...certificates: readonly Certificate[]): string => certificates.map(({ der }) => encodePem('CERTIFICATE', der)).join('');

export class BundlePeer implements AsyncDisposable {
  readonly name = trustDomain;
  /** Its root, PEM: as `webRoots`, and as what is delivered. */
  readonly roots: string;
  readonly #server: Server;

  private constructor(server: Server, roots: string) {
    this.#server = server;
    this.roots = roots;
  }

  static async start(): Promise<BundlePeer> {
    const nowMs = Date.now();
    const hierarchy = await makeHierarchy('ECDSAP256', nowMs - dayMs);
    const key = await keyOf('ECDSAP256', 'server');
    const leaf = issueLeaf(hierarchy, leafFields(key.publicKey, { dnsNames: [parseDnsName('localhost')], notBeforeMs: nowMs - dayMs / 2, notAfterMs: nowMs + dayMs }));
    const document = encodeSpiffeBundle({ trustDomain, x509Roots: [hierarchy.root.der], jwtKeys: [], sequence: 7n, refreshHintSeconds: 600 });
    const server = createServer({ key: key.privateKeyPem(), cert: pem(leaf, hierarchy.issuing) }, (_request, response) => response.writeHead(200, { 'content-type': 'application/json' }).end(document));
    server.listen(0, 'localhost');
    await once(server, 'listening');
    return new BundlePeer(server, pem(hierarchy.root));
  }

  /** What a TrustDomain says to federate with it. */
  get entry(): object {
    const { port } = this.#server.address() as AddressInfo;
    return { trustDomain, bundleEndpoint: { url: `https://localhost:${port}/bundle`, profile: 'https_web', webRoots: this.roots } };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
