/** A server of the bundle of a trust domain, over TLS with a certificate for its host name, in this process. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { encodeSpiffeBundle } from '../../src/spiffe/index.ts';
import { parsePem } from '../../src/x509/index.ts';
import { trustDomain } from '../x509/hierarchy.ts';
import { makeWebPair } from '../x509/web-pair.ts';

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
    const { key, cert, roots } = await makeWebPair();
    const document = encodeSpiffeBundle({ trustDomain, x509Roots: parsePem(roots).map(({ der }) => der), jwtKeys: [], sequence: 7n, refreshHintSeconds: 600 });
    const server = createServer({ key, cert }, (_request, response) => response.writeHead(200, { 'content-type': 'application/json' }).end(document));
    server.listen(0, 'localhost');
    await once(server, 'listening');
    return new BundlePeer(server, roots);
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
