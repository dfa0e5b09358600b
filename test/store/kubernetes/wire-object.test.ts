import { describe, expect, test } from 'vitest';
import { fromWire, toWire, watchedFromWire } from '../../../src/store/kubernetes/wire-object.ts';

const metadata = {
  name: 'cart-mtls',
  namespace: 'shop',
  uid: 'u1',
  resourceVersion: '7',
  generation: 3,
  creationTimestamp: '2026-01-01T00:00:00Z',
  managedFields: [{ manager: 'kubectl' }],
  labels: { a: 'b' },
};
const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';

describe('an object from the wire', () => {
  test('is frozen to its leaves, without managedFields, with the kind that lists leave out', () => {
    const secret = fromWire('Secret', { metadata, type: 'Opaque', data: { k: 'AA==' } });
    expect(secret).toMatchObject({ apiVersion: 'v1', kind: 'Secret', type: 'Opaque', data: { k: 'AA==' } });
    expect(secret.metadata).not.toHaveProperty('managedFields');
    expect([secret, secret.metadata, secret.metadata.labels, secret.data].every(Object.isFrozen)).toBe(true);
  });

  test('has the fields that the API server leaves out when they are empty', () => {
    expect(fromWire('ConfigMap', { metadata }).data).toEqual({});
  });

  test('speaks the version of the port, whatever the server serves', () => {
    const bundle = fromWire('ClusterTrustBundle', { apiVersion: 'certificates.k8s.io/v1beta1', metadata, spec: { trustBundle: '' } });
    expect(bundle.apiVersion).toBe('certificates.k8s.io/v1');
  });

  test('in a watch of Secrets carries no contents, not even those that kubectl left in an annotation', () => {
    const wire = { metadata: { ...metadata, annotations: { [lastApplied]: '{"data":{"k":"c2VjcmV0"}}', kept: 'x' } }, data: { k: 'c2VjcmV0' }, type: 'Opaque' };
    const watched = watchedFromWire('Secret', wire);
    expect(JSON.stringify(watched)).not.toContain('c2VjcmV0');
    expect(watched).toEqual({ apiVersion: 'v1', kind: 'Secret', metadata: expect.objectContaining({ annotations: { kept: 'x' } }) as unknown });
    expect(Object.isFrozen(watched)).toBe(true);
  });

  test('in a watch of pods has what the type of the port has, and nothing of its environment, probes or images', () => {
    const spec = {
      serviceAccountName: 'cart',
      nodeName: 'n1',
      tolerations: [{ key: 'x' }],
      volumes: [{ name: 'v', secret: { secretName: 'cart-mtls', items: [{ key: 'tls.crt', path: 'c', mode: 256 }] }, hostPath: { path: '/' } }, { name: 'p', projected: { sources: [{ podCertificate: { signerName: 'mtlsd.io/x509', keyType: 'ED25519', certificateChainPath: 'c' } }, { serviceAccountToken: { path: 't' } }] } }],
      containers: [{ name: 'c', image: 'i', env: [{ name: 'PASSWORD', value: 'geheim' }], volumeMounts: [{ name: 'v', mountPath: '/v', readOnly: true }] }],
    };
    const watched = watchedFromWire('Pod', { metadata: { ...metadata, ownerReferences: [{ uid: 'o' }], annotations: { 'mtlsd.io/a': '1', other: 'x' } } as never, spec, status: { phase: 'Running', podIPs: [{ ip: '10.0.0.1' }], qosClass: 'Burstable', containerStatuses: [{ name: 'c', imageID: 'i', state: { running: { startedAt: '2026-01-01T00:00:00Z' } } }] } });
    expect(watched).toEqual({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: expect.objectContaining({ labels: { a: 'b' }, annotations: { 'mtlsd.io/a': '1' }, ownerReferences: [{ uid: 'o' }] }) as unknown,
      spec: {
        serviceAccountName: 'cart',
        nodeName: 'n1',
        volumes: [{ name: 'v', secret: { secretName: 'cart-mtls', items: [{ key: 'tls.crt', path: 'c', mode: 256 }] } }, { name: 'p', projected: { sources: [{ podCertificate: { signerName: 'mtlsd.io/x509', keyType: 'ED25519' } }, {}] } }],
        containers: [{ name: 'c', env: [{ name: 'PASSWORD' }], volumeMounts: [{ name: 'v', mountPath: '/v' }] }],
      },
      status: { phase: 'Running', podIPs: [{ ip: '10.0.0.1' }], containerStatuses: [{ name: 'c', state: { running: { startedAt: '2026-01-01T00:00:00Z' } } }] },
    });
    expect(Object.isFrozen(watched.spec.containers[0])).toBe(true);
  });

  test('of a service account keeps the labels; of an identity everything but what kubectl left', () => {
    const annotations = { [lastApplied]: '{"spec":{}}', 'iam.example/role': 'r' };
    expect(watchedFromWire('ServiceAccount', { metadata: { ...metadata, annotations } }).metadata).not.toHaveProperty('annotations');
    const identity = watchedFromWire('WorkloadIdentity', { metadata: { ...metadata, annotations }, spec: { ttl: '1h', later: { field: 1 } }, status: { trustDomain: 'x' } });
    expect(identity).toMatchObject({ metadata: { annotations: { 'iam.example/role': 'r' } }, spec: { ttl: '1h', later: { field: 1 } }, status: { trustDomain: 'x' } });
    expect(identity.metadata.annotations).not.toHaveProperty([lastApplied]);
  });

  test('of a kind of ours has the status that this mtlsd can write, and every field of the spec', () => {
    const identity = watchedFromWire('WorkloadIdentity', { metadata, spec: { ttl: '1h', later: 1 }, status: { trustDomain: 'x', later: 'a default of a newer definition' } });
    expect(identity.spec).toEqual({ ttl: '1h', later: 1 });
    expect(identity.status).toEqual({ trustDomain: 'x' });
  });

  test('has the fields of its kind even where a watch leaves them out', () => {
    expect(watchedFromWire('TrustDomain', { metadata }).spec).toEqual({});
  });
});

describe('an object for the wire', () => {
  const object = { apiVersion: 'mtlsd.io/v1alpha1', kind: 'WorkloadIdentity', metadata: { ...metadata, ownerReferences: [{ name: 'o' }] }, spec: { ttl: '1h' }, status: { trustDomain: 'x' } } as const;

  test('for a creation carries nothing of the server or the status', () => {
    expect(JSON.parse(toWire(object, 'mtlsd.io/v1alpha1', 'absent'))).toEqual({
      apiVersion: 'mtlsd.io/v1alpha1',
      kind: 'WorkloadIdentity',
      metadata: { name: 'cart-mtls', namespace: 'shop', labels: { a: 'b' }, ownerReferences: [{ name: 'o' }] },
      spec: { ttl: '1h' },
    });
  });

  test('for a replacement carries what the caller expects, not what the object says', () => {
    const { metadata: sent } = JSON.parse(toWire(object, 'mtlsd.io/v1alpha1', { uid: 'u9', resourceVersion: '99' })) as { metadata: object };
    expect(sent).toMatchObject({ uid: 'u9', resourceVersion: '99' });
    expect(sent).not.toHaveProperty('generation');
  });
});
