/** What `mtlsd inject` makes of manifests: what it adds, what it leaves as it was, and what it says of those that it cannot read. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { injectManifest } from '../../src/injection/index.ts';
import { arbitraryPod } from './arbitrary-pod.ts';

const defaults = { delivery: 'secret', trustDomain: undefined } as const;

function inject(text: string): { readonly text: string; readonly changed: readonly string[] } {
  const result = injectManifest(text, defaults);
  if (result.problems !== undefined) throw new Error(result.problems.join('\n'));
  return result;
}

const before = `# The configuration stays as it is, to the byte.
apiVersion: v1
kind: ConfigMap
metadata: {name:   settings,   namespace: shop}
data:
    mode:    'fast'
---
# The cart of the shop.
apiVersion: apps/v1
kind: Deployment
metadata:
  name: cart
  namespace: shop
spec:
  selector: {matchLabels: {app: cart}}
  template:
    metadata:
      labels:
        app: cart
        mtlsd.io/inject: secret   # asks for its identity
    spec:
      serviceAccountName: cart
      securityContext:
        fsGroup: 2000
      containers:
      - name: cart
        image: "images.example/cart:1" # pinned
        env:
        - name: NODE_EXTRA_CA_CERTS
          value: /etc/company.pem
      volumes:
      - name: settings
        configMap: {name: settings, defaultMode: 0440}
`;

const after = `# The configuration stays as it is, to the byte.
apiVersion: v1
kind: ConfigMap
metadata: {name:   settings,   namespace: shop}
data:
    mode:    'fast'
---
# The cart of the shop.
apiVersion: apps/v1
kind: Deployment
metadata:
  name: cart
  namespace: shop
spec:
  selector: { matchLabels: { app: cart } }
  template:
    metadata:
      labels:
        app: cart
        mtlsd.io/inject: secret # asks for its identity
    spec:
      serviceAccountName: cart
      securityContext:
        fsGroup: 2000
      containers:
      - name: cart
        image: "images.example/cart:1" # pinned
        env:
        - name: NODE_EXTRA_CA_CERTS
          value: /etc/company.pem
        - name: MTLSD_CERTIFICATE_FILE
          value: /var/run/secrets/mtlsd/tls.crt
        - name: MTLSD_KEY_FILE
          value: /var/run/secrets/mtlsd/tls.key
        - name: MTLSD_CA_FILE
          value: /var/run/secrets/mtlsd/ca.crt
        - name: MTLSD_CREDENTIAL_BUNDLE_FILE
          value: /var/run/secrets/mtlsd/credential-bundle.pem
        - name: MTLSD_SPIFFE_BUNDLE_FILE
          value: /var/run/secrets/mtlsd/bundle.json
        volumeMounts:
        - name: mtlsd
          mountPath: /var/run/secrets/mtlsd
          readOnly: true
      volumes:
      - name: settings
        configMap: { name: settings, defaultMode: 0440 }
      - name: mtlsd
        secret:
          secretName: cart-mtls
          defaultMode: 288 # 0440
`;

test('comments, order and what does not ask stay', () => {
  expect(inject(before)).toEqual({ text: after, changed: ['Deployment shop/cart'] });
});

test('a second time changes nothing', () => {
  expect(inject(after)).toEqual({ text: after, changed: [] });
});

const podSpec = { containers: [{ name: 'main', image: 'x' }] };
const template = { metadata: { labels: { 'mtlsd.io/inject': 'secret' } }, spec: podSpec };

describe('the pods of', () => {
  test.each([
    ['a Pod', { apiVersion: 'v1', kind: 'Pod', ...template }, []],
    ...['Deployment', 'StatefulSet', 'DaemonSet', 'ReplicaSet'].map((kind) => [`a ${kind}`, { apiVersion: 'apps/v1', kind, spec: { template } }, ['spec', 'template']] as const),
    ['a Job', { apiVersion: 'batch/v1', kind: 'Job', spec: { template } }, ['spec', 'template']],
    ['a CronJob', { apiVersion: 'batch/v1', kind: 'CronJob', spec: { jobTemplate: { spec: { template } } } }, ['spec', 'jobTemplate', 'spec', 'template']],
    ['a List', { apiVersion: 'v1', kind: 'List', items: [{ kind: 'Namespace' }, { apiVersion: 'v1', kind: 'Pod', ...template }] }, ['items', '1']],
    ['a DeploymentList', { apiVersion: 'apps/v1', kind: 'DeploymentList', items: [{ spec: { template } }] }, ['items', '0', 'spec', 'template']],
  ] as const)('%s get what they ask for, in YAML and in JSON', (_what, object, path) => {
    for (const write of [stringify, (value: object) => JSON.stringify(value)]) {
      const { text } = inject(write(object));
      const pod = [...path, 'spec'].reduce<unknown>((value, key) => (value as Record<string, unknown>)[key], parse(text));
      expect(pod).toMatchObject({ volumes: [{ name: 'mtlsd', secret: { secretName: 'default-mtls' } }], containers: [{ volumeMounts: [{ name: 'mtlsd' }] }] });
    }
  });

  test.each([
    ['a kind of the same name in another group', { apiVersion: 'example.com/v1', kind: 'Deployment', spec: { template } }],
    ['a pod without the label', { apiVersion: 'v1', kind: 'Pod', spec: podSpec }],
    ['a pod that says no', { apiVersion: 'v1', kind: 'Pod', metadata: { labels: { 'mtlsd.io/inject': 'false' } }, spec: podSpec }],
    ['a pod that is broken and does not ask', { apiVersion: 'v1', kind: 'Pod', spec: 7 }],
    ['no object at all', ['a', 1, null]],
  ])('%s stay as they are', (_what, object) => {
    const text = stringify(object);
    expect(inject(text)).toEqual({ text, changed: [] });
  });
});

describe('YAML as kubectl reads it', () => {
  test('what is repeated by an alias gets each variable once, in each place', () => {
    const { text } = inject(`
apiVersion: v1
kind: Pod
metadata: {labels: {mtlsd.io/inject: secret}}
spec:
  containers:
  - name: a
    env: &env
    - {name: MODE, value: x}
  - name: b
    env: *env
`);
    const { containers } = (parse(text) as { spec: { containers: { env: { name: string }[] }[] } }).spec;
    for (const { env } of containers) expect(env.map(({ name }) => name)).toEqual([...new Set(env.map(({ name }) => name))]);
    expect(containers[0]?.env).toEqual(containers[1]?.env);
    expect(containers[0]?.env).toHaveLength(7);
  });

  test('what is merged in from elsewhere is kept', () => {
    const { text } = inject(`
apiVersion: v1
kind: Pod
metadata: {labels: {mtlsd.io/inject: secret}}
spec:
  containers:
  - &base
    name: a
    env: [{name: MODE, value: x}]
  - <<: *base
    name: b
`);
    const { containers } = (parse(text, { merge: true }) as { spec: { containers: { name: string; env: { name: string }[] }[] } }).spec;
    expect(containers.map(({ name }) => name)).toEqual(['a', 'b']);
    for (const { env } of containers) expect(env.map(({ name }) => name)).toContain('MODE');
    for (const { env } of containers) expect(env.map(({ name }) => name)).toContain('MTLSD_KEY_FILE');
  });

  test('scalars keep their form: octal modes, yes and no, dates, long numbers, quotes', () => {
    const scalars = `      a: 0440
      b: yes
      c: 2026-01-31
      d: 9007199254740993
      e: "0440"
      f: 'single'
      g: 1.10
      h: ~
`;
    const { text } = inject(`apiVersion: v1
kind: Pod
metadata:
  labels: {mtlsd.io/inject: secret}
spec:
  containers:
    - name: a
${scalars}`);
    expect(text).toContain(scalars);
  });

  test('empty lists are filled in block style', () => {
    const { text } = inject('apiVersion: v1\nkind: Pod\nmetadata: {labels: {mtlsd.io/inject: secret}}\nspec:\n  volumes: []\n  containers:\n    - name: a\n      env: []\n');
    expect(text).toContain('  volumes:\n    - name: mtlsd\n');
    expect(text).toContain('      env:\n        - name: MTLSD_CERTIFICATE_FILE\n');
  });

  test('null counts as absent', () => {
    expect(inject('apiVersion: v1\nkind: Pod\nmetadata: {labels: {mtlsd.io/inject: secret}, annotations: }\nspec:\n  volumes:\n  containers:\n    - name: a\n      env:\n').text).toContain('MTLSD_KEY_FILE');
  });
});

describe('what is wrong is told, and then nothing is changed', () => {
  test.each([
    ['a label that is no text', 'apiVersion: v1\nkind: Pod\nmetadata: {name: p, labels: {mtlsd.io/inject: true}}\nspec: {containers: [{name: a}]}', 'Pod p: metadata.labels mtlsd.io/inject is not text: put it in quotes'],
    ['containers that are none', 'apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: ns, labels: {mtlsd.io/inject: secret}}\nspec: {containers: 7}', 'Pod ns/p: spec.containers is not a list'],
    ['no YAML', 'a: [1', 'line 1: '],
    ['a key that stands twice', 'a: 1\nb: 2\na: 3\n', 'line 3: '],
    ['a value that is not known', 'apiVersion: v1\nkind: Pod\nmetadata: {generateName: p-, labels: {mtlsd.io/inject: on please}}\nspec: {containers: [{name: a}]}', 'Pod p-*: the label mtlsd.io/inject is "on please": write secret'],
    ['a pod certificate without a trust domain', 'apiVersion: v1\nkind: Pod\nmetadata: {name: p, labels: {mtlsd.io/inject: pod-certificate}}\nspec: {containers: [{name: a}]}', 'a pod certificate needs a trust domain'],
    ['several things', 'apiVersion: v1\nkind: Pod\nmetadata: {name: p, labels: {mtlsd.io/inject: pod-certificate, mtlsd.io/identity: A}}\nspec: {containers: [{name: a}]}', 'mtlsd.io/identity is "A"'],
  ])('%s', (_what, text, sentence) => {
    const { problems } = injectManifest(text, defaults);
    expect(problems?.some((problem) => problem.includes(sentence))).toBe(true);
  });

  test('a bomb of aliases', () => {
    const text = ['a: &a [x, x, x, x, x, x, x, x, x]', ...Array.from('bcdefg').map((name, index) => `${name}: &${name} [${Array(9).fill(`*${'abcdefg'[index] ?? ''}`).join(', ')}]`)].join('\n');
    expect(injectManifest(text, defaults).problems?.[0]).toContain('Excessive alias count');
  });

  test('one wrong object of several', () => {
    const text = 'apiVersion: v1\nkind: Pod\nmetadata: {name: p, labels: {mtlsd.io/inject: secret}}\nspec: {containers: [{name: a}]}\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: q, labels: {mtlsd.io/inject: "no"}}\nspec: {containers: [{name: a}]}\n';
    expect(injectManifest(text, defaults).problems).toEqual([expect.stringContaining('Pod q: ')]);
  });
});

test('YAML and JSON of any pod become the same', () => {
  fc.assert(
    fc.property(arbitraryPod, (pod) => {
      const json = injectManifest(JSON.stringify(pod), defaults);
      const yaml = injectManifest(stringify(JSON.parse(JSON.stringify(pod)), { version: '1.1' }), defaults);
      expect(yaml.problems).toEqual(json.problems);
      if (yaml.problems === undefined && json.problems === undefined) expect(parse(yaml.text)).toEqual(JSON.parse(json.text));
    }),
    { numRuns: 60 },
  );
});
