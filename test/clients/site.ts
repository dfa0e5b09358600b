/** A shop whose identities are made by the real program, and renewed on demand by an edit of their manifests. */
import { X509Certificate } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Product } from '../conformance/product.ts';
import type { WorkloadIdentitySpec } from '../../src/resources/index.ts';

const namespace = 'shop';

/**
 * `cart` serves, `checkout` calls; a `stranger` is of the same trust domain and may do neither. It has `checkout`'s SPIFFE ID for a
 * common name: whoever looks for that text anywhere in a certificate believes the stranger.
 */
const names = ['cart', 'checkout', 'stranger'] as const;

/** One of the identities of the shop. */
export type Name = (typeof names)[number];

/** What a test wants to be different, by identity. */
export type Wishes = Readonly<Partial<Record<Name, WorkloadIdentitySpec>>>;

/** The SPIFFE ID of an identity. */
export const idOf = (name: Name): string => `spiffe://shop.example/ns/${namespace}/sa/${name}`;

/** The DNS name of an identity. */
export const hostOf = (name: Name): string => `${name}.${namespace}.svc`;

/** The password of key stores, and the file in the folder of manifests that it stands in. */
export const keystorePassword = 'correct horse battery';
export const passwordFile = 'keystore.password';

/** The running shop. It ends with the scope. */
export class Site implements AsyncDisposable {
  readonly #product: Product;
  readonly #wishes: Wishes;
  #edits = 0;

  private constructor(product: Product, wishes: Wishes) {
    this.#product = product;
    this.#wishes = wishes;
  }

  static async open(wishes: Wishes = {}): Promise<Site> {
    const site = new Site(await Product.create([{ kind: 'TrustDomain', name: 'shop.example', spec: {} }]), wishes);
    try {
      writeFileSync(join(site.root, 'manifests', passwordFile), keystorePassword);
      for (const name of names) await site.#write(name);
      site.#product.start();
      for (const name of names) await site.#issued(name);
    } catch (error) {
      await site[Symbol.asyncDispose]();
      throw error;
    }
    return site;
  }

  /** The folder of manifests and that of output are in it. */
  get root(): string {
    return dirname(dirname(dirname(dirname(this.folder('cart')))));
  }

  /** The folder that a workload is given. */
  folder(name: Name): string {
    return this.#product.identityFolder(namespace, name);
  }

  /** The serial number of the certificate that is in the folder now. */
  serial(name: Name): bigint {
    return BigInt(`0x${new X509Certificate(readFileSync(join(this.folder(name), 'tls.crt'))).serialNumber}`);
  }

  /** Edits the DNS names of identities, which renews them at once, and waits until the folders hold what is new. */
  async renew(...renewed: readonly Name[]): Promise<void> {
    this.#edits += 1;
    for (const name of renewed) await this.#write(name);
    for (const name of renewed) await this.#issued(name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#product[Symbol.asyncDispose]();
  }

  #editName(): string {
    return `edit-${this.#edits}.${namespace}.svc`;
  }

  async #write(name: Name): Promise<void> {
    const decoy = name === 'stranger' ? { commonName: idOf('checkout') } : {};
    const spec = { ...decoy, ...this.#wishes[name], dnsNames: [hostOf(name), this.#editName()] };
    await this.#product.write({ kind: 'WorkloadIdentity', namespace, name, spec });
  }

  async #issued(name: Name): Promise<void> {
    await this.#product.untilIssued(this.folder(name), (leaf) => leaf.subjectAltName?.includes(this.#editName()) === true);
  }
}
