/** A real pod that reads its files only when it is told to, and keeps what it was told and what it then found. */
import { X509Certificate } from 'node:crypto';
import { expect, vi } from 'vitest';
import { identity, namespace, paths, serialOf, serviceAccount, trustDomain } from '../cluster/controller-site.ts';
import { imageName } from '../cluster/node/images.ts';
import { podOf } from './mesh.ts';
import { patienceMs, type NodeSite } from './node-site.ts';

const place = 'reload';
/** Longer than kubelet needs here by far: this is about what comes after it. */
const own = { name: 'reload.example', spec: { rotation: { propagationBound: '30s' } } };
const port = 8080;
const wish = { trustDomain: own.name, reload: { onRenewal: { http: { port, path: '/cgi-bin/reload' } } } };

/** A web server whose one program keeps each call's body, and the certificate as it is mounted at that moment. */
const script = `mkdir -p /tmp/www/cgi-bin && cd /tmp/www && ln -s /var/run/secrets/mtlsd/tls.crt now.crt
cat > cgi-bin/reload <<'END'
#!/bin/sh
cd /tmp/www
head -c "$CONTENT_LENGTH" >> bodies && echo >> bodies
cat /var/run/secrets/mtlsd/tls.crt > "$(wc -l < bodies).crt"
printf 'Content-Type: text/plain\\r\\n\\r\\n'
END
chmod +x cgi-bin/reload && exec httpd -f -p ${port} -h /tmp/www`;

export class ReloadingPod {
  readonly #node: NodeSite;
  readonly #address: string;
  readonly #serial: string;

  private constructor(node: NodeSite, address: string, serial: string) {
    this.#node = node;
    this.#address = address;
    this.#serial = serial;
  }

  /** Begins to run, and has its identity issued anew. Its call comes later. */
  static async start(node: NodeSite): Promise<ReloadingPod> {
    const { site } = node;
    await site.apply(namespace(place), serviceAccount(place, place), trustDomain(own.name, own.spec), identity(place, place, wish));
    await site.apply(podOf({ namespace: place, name: place, delivery: 'secret', trustDomain: own.name }, { image: imageName('shell'), command: ['sh', '-c', script] }));
    await site.kubectl(['wait', '--for=condition=Ready', 'pod', place, `--namespace=${place}`, '--timeout=180s']);
    const { status } = await site.see(`/api/v1/namespaces/${place}/pods/${place}`);
    const before = serialOf(await site.see(paths.secret(place, `${place}-mtls`)));
    await site.apply(identity(place, place, { ...wish, dnsNames: [`${place}.${place}.svc`] }));
    const secret = await site.see(paths.secret(place, `${place}-mtls`), (object) => serialOf(object) !== before, patienceMs);
    const pod = new ReloadingPod(node, String(status?.['podIP']), serialOf(secret));
    await pod.#seesIt();
    return pod;
  }

  /** What it was told of the new certificate, and which certificate it found mounted then. */
  async expectTold(): Promise<void> {
    const { site } = this.#node;
    const { status } = await site.see(paths.identity(place, place), (object) => JSON.stringify(object.status?.['reload'] ?? {}).includes(this.#serial), patienceMs);
    expect(status?.['reload']).toEqual({ onRenewal: { serialNumber: this.#serial, time: expect.any(String) as string, pods: 1, reloaded: 1 } });
    expect(status?.conditions?.find(({ type }) => type === 'Reloaded')).toMatchObject({ status: 'True', reason: 'Reloaded' });
    const told = (await this.#read('bodies')).trimEnd().split('\n').map((line) => JSON.parse(line) as { readonly serialNumber: string });
    const call = told.findIndex(({ serialNumber }) => serialNumber === this.#serial);
    expect(told[call]).toEqual({ event: 'renewal', serialNumber: this.#serial, identity: `${place}/${place}`, spiffeID: `spiffe://${own.name}/ns/${place}/sa/${place}`, secret: `${place}-mtls` });
    expect(await this.#serialIn(`${call + 1}.crt`)).toBe(BigInt(`0x${this.#serial}`));
  }

  /** A change of the pod brings kubelet's next look forward. */
  async #seesIt(): Promise<void> {
    let count = 0;
    await vi.waitFor(
      async () => {
        await this.#node.site.kubectl(['annotate', 'pod', place, `--namespace=${place}`, '--overwrite', `test.mtlsd.io/look=${(count += 1)}`]);
        expect(await this.#serialIn('now.crt')).toBe(BigInt(`0x${this.#serial}`));
      },
      { timeout: patienceMs, interval: 1_000 },
    );
  }

  async #serialIn(file: string): Promise<bigint> {
    return BigInt(`0x${new X509Certificate(await this.#read(file)).serialNumber}`);
  }

  async #read(file: string): Promise<string> {
    const answer = await fetch(`http://${this.#address}:${port}/${file}`);
    if (!answer.ok) throw new Error(`${file}: ${answer.status}`);
    return answer.text();
  }
}
