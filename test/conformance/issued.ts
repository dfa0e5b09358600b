/** One identity for each key algorithm and form of name, under authorities of each algorithm, issued by mtlsd itself. */
import { join } from 'node:path';
import { keyAlgorithms } from '../../src/x509/index.ts';
import type { KeyAlgorithm } from '../../src/x509/index.ts';
import type { Sample } from './judges/judge.ts';
import { Product } from './product.ts';
import type { Manifest } from './product.ts';
import { readIdentity } from './identity-folder.ts';

type AuthorityAlgorithm = 'ECDSAP256' | 'ECDSAP384' | 'ECDSAP521' | 'RSA3072' | 'RSA4096';

/** Trust domains by name, with the algorithms of their root and issuing authority. */
const domains: Readonly<Record<string, readonly [root: AuthorityAlgorithm, issuing: AuthorityAlgorithm]>> = {
  'p256.example': ['ECDSAP256', 'ECDSAP256'],
  'p384.example': ['ECDSAP384', 'ECDSAP384'],
  'p521.example': ['ECDSAP521', 'ECDSAP521'],
  'rsa3072.example': ['RSA3072', 'RSA3072'],
  'mixed.example': ['RSA4096', 'ECDSAP256'],
};

const namespace = 'judges';

/** Forms of names in a leaf; a name that is listed twice stands once (L23). Under the first trust domain every key algorithm comes in all of them. */
const forms = {
  bare: {},
  dns: { dnsNames: ['web.judges', 'web.judges.svc', 'web.judges.svc.cluster.local', 'web.judges'] },
  'common-name': { commonName: 'judged by others' },
  both: { dnsNames: ['web.judges.svc'], commonName: 'web.judges.svc' },
} as const;

/** A leaf that mtlsd issued. */
export interface IssuedSample extends Sample {
  readonly name: string;
  readonly algorithm: KeyAlgorithm;
  /** Algorithms of the authorities above it. */
  readonly authority: string;
  readonly form: keyof typeof forms;
  readonly spiffeId: string;
  readonly dnsNames: readonly string[];
  readonly commonName: string | undefined;
  readonly key: string;
  readonly bundleDocument: string;
}

interface Plan {
  readonly name: string;
  readonly algorithm: KeyAlgorithm;
  readonly domain: string;
  readonly form: keyof typeof forms;
}

function plans(): readonly Plan[] {
  const [first] = Object.keys(domains);
  return Object.keys(domains).flatMap((domain) =>
    keyAlgorithms.flatMap((algorithm) =>
      (Object.keys(forms) as (keyof typeof forms)[])
        .filter((form) => domain === first || form === 'dns')
        .map((form) => ({ name: `${algorithm.toLowerCase()}-${form}-${domain}`, algorithm, domain, form })),
    ),
  );
}

/** Starts mtlsd on manifests of all of it, and returns what it wrote. */
export async function issueSamples(): Promise<{ readonly product: Product; readonly samples: readonly IssuedSample[] }> {
  const trustDomains = Object.entries(domains).map(([name, [root, issuing]]): Manifest => {
    const spec = { rootAuthority: { keyAlgorithm: root }, issuingAuthority: { keyAlgorithm: issuing } };
    return { kind: 'TrustDomain', name, spec };
  });
  const identities = plans().map(({ name, algorithm, domain, form }): Manifest => {
    return { kind: 'WorkloadIdentity', namespace, name, spec: { trustDomain: domain, keyAlgorithm: algorithm, ...forms[form] } };
  });
  const product = await Product.create([...trustDomains, ...identities]);
  product.start();
  for (const { name } of plans()) await product.untilIssued(product.identityFolder(namespace, name), () => true);
  return { product, samples: plans().map((plan) => sampleOf(product, plan)) };
}

function sampleOf(product: Product, { name, algorithm, domain, form }: Plan): IssuedSample {
  const file = (base: string): string => join(readIdentity(product.identityFolder(namespace, name)).folder, base);
  const asked: { readonly dnsNames?: readonly string[]; readonly commonName?: string } = forms[form];
  const [root, issuing] = domains[domain] ?? [];
  return {
    name,
    algorithm,
    authority: root === issuing ? `${root}` : `${root} over ${issuing}`,
    form,
    dnsNames: [...new Set(asked.dnsNames)],
    commonName: asked.commonName,
    chain: file('tls.crt'),
    key: file('tls.key'),
    roots: file('ca.crt'),
    bundleDocument: file('bundle.json'),
    trustDomain: domain,
    spiffeId: `spiffe://${domain}/ns/${namespace}/sa/${name}`,
  };
}
