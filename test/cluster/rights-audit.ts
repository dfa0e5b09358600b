/**
 * Who used which right: reads an API server's audit log (audit.k8s.io/v1, level Metadata) and lays it beside the RBAC rules
 * that a service account is bound to. A right is one (verb, resource) in one scope; it is used when a request needed it.
 */

/** One request as the API server recorded it. */
export interface AuditedRequest {
  readonly verb: string;
  readonly group: string;
  /** With its subresource: `trustdomains/status`. Empty for URLs that are no resource. */
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
  readonly uri: string;
  readonly userAgent: string;
  /** HTTP status. */
  readonly code: number;
  /** What the authorizers said. */
  readonly allowed: boolean;
  /** The answer's message, when it is an error. */
  readonly message: string;
}

/** One (verb, resource) of a rule, where it is bound. */
export interface Right {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  /** Undefined: all of them. */
  readonly name: string | undefined;
  /** The namespace of a RoleBinding; undefined: everywhere. */
  readonly namespace: string | undefined;
}

/** An RBAC rule, as in a Role or ClusterRole. */
export interface PolicyRule {
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

interface AuditEvent {
  readonly stage: string;
  readonly verb: string;
  readonly requestURI: string;
  readonly userAgent?: string;
  readonly user?: { readonly username?: string };
  readonly objectRef?: { readonly apiGroup?: string; readonly resource?: string; readonly subresource?: string; readonly namespace?: string; readonly name?: string };
  readonly responseStatus?: { readonly code?: number; readonly message?: string };
  readonly annotations?: Readonly<Record<string, string>>;
}

/**
 * The requests of one user in an audit log, in its order. A watch counts as soon as it has begun.
 * @param log JSON lines; a last line that is still being written is left out
 */
export function requestsOf(username: string, log: string): AuditedRequest[] {
  const seen = new Set<string>();
  const requests: AuditedRequest[] = [];
  for (const line of log.split('\n').slice(0, -1)) {
    const event = JSON.parse(line) as AuditEvent & { readonly auditID: string };
    if (event.user?.username !== username || seen.has(event.auditID)) continue;
    seen.add(event.auditID);
    requests.push(requestIn(event));
  }
  return requests;
}

function requestIn(event: AuditEvent): AuditedRequest {
  const { objectRef = {}, responseStatus = {}, annotations = {} } = event;
  const { resource = '', subresource } = objectRef;
  return {
    verb: event.verb,
    group: objectRef.apiGroup ?? '',
    resource: subresource === undefined ? resource : `${resource}/${subresource}`,
    namespace: objectRef.namespace ?? '',
    name: objectRef.name ?? '',
    uri: event.requestURI,
    userAgent: event.userAgent ?? '',
    code: responseStatus.code ?? 0,
    allowed: annotations['authorization.k8s.io/decision'] === 'allow',
    message: responseStatus.message ?? '',
  };
}

/** Every (verb, resource, name) that a rule grants, one by one. */
export function rightsIn(rules: readonly PolicyRule[], namespace?: string): Right[] {
  return rules.flatMap(({ apiGroups = [], resources = [], resourceNames, verbs }) =>
    apiGroups.flatMap((group) =>
      resources.flatMap((resource) => (resourceNames ?? [undefined]).flatMap((name) => verbs.map((verb) => ({ verb, group, resource, name, namespace })))),
    ),
  );
}

/** Requests that a right was missing for. */
export function forbiddenRequests(requests: readonly AuditedRequest[]): AuditedRequest[] {
  return requests.filter((request) => !request.allowed || request.code === 403 || request.code === 401);
}

/** Rights that none of the requests needed. */
export function unusedRights(rights: readonly Right[], requests: readonly AuditedRequest[]): Right[] {
  const needed = requests.flatMap((request) => [request, ...impliedBy(request)]);
  return rights.filter((right) => !needed.some((request) => needs(request, right)));
}

function needs(request: AuditedRequest, right: Right): boolean {
  const name = right.name === undefined || right.name === request.name;
  const scope = right.namespace === undefined || right.namespace === request.namespace;
  return request.allowed && request.verb === right.verb && request.group === right.group && request.resource === right.resource && name && scope;
}

/**
 * Rights on a signer that a request needs and the audit log does not show: `attest` to write one of its ClusterTrustBundles,
 * `sign` to answer one of its requests (whose signer is in the request's body; mtlsd has only one).
 */
function impliedBy(request: AuditedRequest): AuditedRequest[] {
  const isWrite = ['create', 'update', 'patch'].includes(request.verb);
  if (isWrite && request.resource === 'podcertificaterequests/status' && request.code === 200) return [{ ...request, verb: 'sign', resource: 'signers', name: 'mtlsd.io/x509-svid' }];
  const [domain, path] = request.name.split(':');
  if (!isWrite || request.resource !== 'clustertrustbundles' || domain === undefined || path === undefined) return [];
  return [{ ...request, verb: 'attest', resource: 'signers', name: `${domain}/${path}` }];
}

/** A right as people write it: `update trustdomains/status (mtlsd.io)`. */
export function describeRight({ verb, group, resource, name, namespace }: Right): string {
  const named = name === undefined ? '' : ` named ${name}`;
  const where = namespace === undefined ? '' : ` in ${namespace}`;
  return `${verb} ${resource}${group === '' ? '' : ` (${group})`}${named}${where}`;
}
