import type { ManifestCase } from './manifest-case.ts';

const pathForm = 'write a path that starts with "/", such as /-/reload: without host and fragment, other characters percent-encoded';
const oneOfTwo = 'write one of the two: http, which calls the pods, or rolloutRestart, which replaces them';

/** Cases of `spec.reload` of a kind; `identity` makes a manifest of it with this spec. */
export function reloadCases(kind: string, identity: (spec: Readonly<Record<string, unknown>>) => ManifestCase['good']): readonly ManifestCase[] {
  const http = { port: 8080, path: '/-/reload' };
  const call = (fields: Readonly<Record<string, unknown>>): ManifestCase['good'] => identity({ reload: { onRenewal: { http: { ...http, ...fields } } } });
  const bundle = (onBundle: Readonly<Record<string, unknown>>): ManifestCase['good'] => identity({ reload: { onBundle } });
  const path = (name: string, bad: string): ManifestCase => ({
    name: `reload of ${kind}: a path ${name}`,
    good: call({ path: '/reload?what=certificate%20and%20key' }),
    bad: call({ path: bad }),
    sentences: [`spec.reload.onRenewal.http.path: Invalid value: ${JSON.stringify(bad)}: ${pathForm}`],
  });
  const refused = (name: string, good: ManifestCase['good'], bad: ManifestCase['good'], ...sentences: readonly string[]): ManifestCase => ({ name: `reload of ${kind}: ${name}`, good, bad, sentences });
  return [
    path('with a host', 'http://other.example/'),
    path('with a fragment', '/reload#certificate'),
    path('that would begin another request', '/reload HTTP/1.1\r\nX: y'),
    refused('a port that is none', call({ port: 65535 }), call({ port: 65536 }), 'spec.reload.onRenewal.http.port: Invalid value: 65536: write a port from 1 to 65535'),
    refused('a scheme that is none', call({ scheme: 'HTTPS' }), call({ scheme: 'https' }), 'spec.reload.onRenewal.http.scheme: Unsupported value: "https": supported values: "HTTP", "HTTPS"'),
    refused('nothing to do', bundle({ http }), identity({ reload: {} }), 'spec.reload: Invalid value: write onRenewal, onBundle or both, or leave reload out'),
    refused('two ways at once', bundle({ rolloutRestart: {} }), bundle({ rolloutRestart: {}, http }), `spec.reload.onBundle: Invalid value: ${oneOfTwo}`),
    refused('neither way', bundle({ http }), bundle({}), `spec.reload.onBundle: Invalid value: ${oneOfTwo}`),
    refused('a restart at each renewal', call({}), identity({ reload: { onRenewal: {} } }), 'spec.reload.onRenewal.http: Required value'),
  ];
}
