/** The reading of audit logs, and their comparison with RBAC rules: what rights.test.ts stands on. No cluster needed. */
import { describe, expect, test } from 'vitest';
import type { Manifest } from './chart.ts';
import { describeRight, forbiddenRequests, requestsOf, rightsIn, unusedRights } from './rights-audit.ts';
import { rightsOf } from './rights-of.ts';

const user = 'system:serviceaccount:mtlsd-system:mtlsd';

interface Entry {
  readonly auditID: string;
  readonly verb: string;
  readonly resource: string;
  readonly apiGroup?: string;
  readonly subresource?: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly username?: string;
  readonly code?: number;
  readonly decision?: 'allow' | 'forbid';
  readonly stage?: string;
}

function line({ auditID, verb, username = user, code = 200, decision = 'allow', stage = 'ResponseComplete', ...objectRef }: Entry): string {
  const event = { stage, auditID, verb, requestURI: '/', user: { username }, objectRef, responseStatus: { code }, annotations: { 'authorization.k8s.io/decision': decision } };
  return `${JSON.stringify(event)}\n`;
}

const get = { auditID: '1', verb: 'get', resource: 'secrets', namespace: 'shop', name: 'web-mtls' };

describe('the audit log', () => {
  test('gives the requests of one user, with the subresource, once each', () => {
    const log =
      line({ ...get, username: 'jane' }) +
      line({ auditID: '2', verb: 'watch', resource: 'secrets', stage: 'ResponseStarted' }) +
      line({ auditID: '2', verb: 'watch', resource: 'secrets' }) +
      line({ auditID: '3', verb: 'update', resource: 'trustdomains', apiGroup: 'mtlsd.io', subresource: 'status', name: 'shop.example' });
    expect(requestsOf(user, log)).toMatchObject([
      { verb: 'watch', group: '', resource: 'secrets', namespace: '' },
      { verb: 'update', group: 'mtlsd.io', resource: 'trustdomains/status', name: 'shop.example', allowed: true, code: 200 },
    ]);
  });

  test('may end in the middle of a line', () => {
    expect(requestsOf(user, line(get) + line({ ...get, auditID: '2' }).slice(0, 40))).toHaveLength(1);
  });
});

describe('requests without a right', () => {
  test.each([
    ['refused by RBAC', { ...get, decision: 'forbid', code: 403 }],
    ['refused by an admission policy', { ...get, verb: 'create', code: 403 }],
    ['without valid credentials', { ...get, code: 401 }],
  ] as const)('%s are told', (_, entry) => {
    expect(forbiddenRequests(requestsOf(user, line(entry)))).toHaveLength(1);
  });

  test('a request that failed otherwise had its right', () => {
    expect(forbiddenRequests(requestsOf(user, line({ ...get, code: 404 }) + line({ ...get, auditID: '2', verb: 'update', code: 409 })))).toEqual([]);
  });
});

describe('rights without a request', () => {
  const rules = [{ apiGroups: [''], resources: ['secrets', 'configmaps'], verbs: ['get', 'list'] }];

  test('a rule is taken apart, and what no request needed is told', () => {
    const rights = rightsIn(rules);
    expect(rights).toHaveLength(4);
    expect(unusedRights(rights, requestsOf(user, line(get))).map(describeRight)).toEqual(['list secrets', 'get configmaps', 'list configmaps']);
  });

  test('a request counts in the scope of the binding only', () => {
    const elsewhere = rightsIn(rules, 'mtlsd-system');
    expect(unusedRights(elsewhere, requestsOf(user, line(get))).map(describeRight)).toContain('get secrets in mtlsd-system');
    expect(unusedRights(rightsIn(rules, 'shop'), requestsOf(user, line(get)))).toHaveLength(3);
  });

  test('a request counts for its own names, subresource and group only', () => {
    const rights = rightsIn([
      { apiGroups: ['apiextensions.k8s.io'], resources: ['customresourcedefinitions'], resourceNames: ['trustdomains.mtlsd.io'], verbs: ['get'] },
      { apiGroups: ['mtlsd.io'], resources: ['trustdomains/status'], verbs: ['update'] },
      { apiGroups: ['events.k8s.io'], resources: ['events'], verbs: ['create'] },
    ]);
    const others =
      line({ auditID: '1', verb: 'get', apiGroup: 'apiextensions.k8s.io', resource: 'customresourcedefinitions', name: 'carotations.mtlsd.io' }) +
      line({ auditID: '2', verb: 'update', apiGroup: 'mtlsd.io', resource: 'trustdomains', name: 'shop.example' }) +
      line({ auditID: '3', verb: 'create', resource: 'events', namespace: 'shop' });
    expect(unusedRights(rights, requestsOf(user, others))).toEqual(rights);
  });

  test('a refused request uses nothing', () => {
    expect(unusedRights(rightsIn(rules), requestsOf(user, line({ ...get, decision: 'forbid', code: 403 })))).toHaveLength(4);
  });

  test('attesting a signer shows in the ClusterTrustBundles that are written', () => {
    const rights = rightsIn([{ apiGroups: ['certificates.k8s.io'], resources: ['signers'], resourceNames: ['mtlsd.io/x509-svid'], verbs: ['attest'] }]);
    const write = (name: string) => line({ auditID: name, verb: 'create', apiGroup: 'certificates.k8s.io', resource: 'clustertrustbundles', name });
    expect(unusedRights(rights, requestsOf(user, write('unlinked') + write('other.io:x:y')))).toEqual(rights);
    expect(unusedRights(rights, requestsOf(user, write('mtlsd.io:x509-svid:shop.example')))).toEqual([]);
  });
});

test('signing shows in the requests for pod certificates that were answered', () => {
  const rights = rightsIn([{ apiGroups: ['certificates.k8s.io'], resources: ['signers'], resourceNames: ['mtlsd.io/x509-svid'], verbs: ['sign'] }]);
  const answer = (code: number) => line({ auditID: String(code), verb: 'update', apiGroup: 'certificates.k8s.io', resource: 'podcertificaterequests', subresource: 'status', namespace: 'shop', name: 'web', code });
  expect(unusedRights(rights, requestsOf(user, answer(422)))).toEqual(rights);
  expect(unusedRights(rights, requestsOf(user, answer(200)))).toEqual([]);
});

describe('the rights of a service account', () => {
  const account = { name: 'mtlsd', namespace: 'mtlsd-system' };
  const role = (kind: string, verbs: string[], namespace?: string): Manifest => ({
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind,
    metadata: { name: 'r', ...(namespace === undefined ? {} : { namespace }) },
    rules: [{ apiGroups: [''], resources: ['secrets'], verbs }],
  });
  const binding = (kind: string, roleKind: string, namespace?: string, subject = 'mtlsd'): Manifest => ({
    ...role(kind, [], namespace),
    roleRef: { kind: roleKind, name: 'r' },
    subjects: [{ kind: 'ServiceAccount', name: subject, namespace: 'mtlsd-system' }],
  });

  test('come from every binding that names it, in the scope of the binding', () => {
    const manifests = [
      role('ClusterRole', ['get']),
      role('Role', ['list'], 'a'),
      role('Role', ['delete'], 'b'),
      binding('ClusterRoleBinding', 'ClusterRole'),
      binding('RoleBinding', 'ClusterRole', 'b'),
      binding('RoleBinding', 'Role', 'a'),
      binding('RoleBinding', 'Role', 'b', 'somebody-else'),
      { ...role('ClusterRoleBinding', []), roleRef: { kind: 'ClusterRole', name: 'r' } },
    ];
    expect(rightsOf(account, manifests).map(describeRight)).toEqual(['get secrets', 'get secrets in b', 'list secrets in a']);
  });

  test('a binding to a role that is not there is told, not passed over', () => {
    expect(() => rightsOf(account, [binding('RoleBinding', 'Role', 'a'), role('Role', ['get'], 'b')])).toThrow('which is not there');
  });
});
