import { spiffeIdProblem } from '../spiffe-id.ts';
import { rule, type Rule } from './rule.ts';

/** SPIFFE-1 to SPIFFE-5: one reading of the URI, one rule for each way in which it can be wrong. */
function formRule(id: string, citation: string, description: string, remedy: string): Rule {
  return rule({
    id,
    appliesTo: ['leaf'],
    severity: 'error',
    citation,
    description,
    remedy,
    check: (view) => {
      for (const uri of view.subjectAltName?.uris ?? []) {
        const problem = spiffeIdProblem(uri);
        if (problem?.rule === id) return `has a URI that is no SPIFFE ID: ${problem.sentence}`;
      }
      return undefined;
    },
  });
}

export const spiffeIdFormRules: readonly Rule[] = [
  formRule(
    'SPIFFE-1',
    'SPIFFE-ID §2',
    'The URI is spiffe://<trust domain>/<path>, without query, fragment, user info or port.',
    'Issue it with a SPIFFE ID as its only URI.',
  ),
  formRule(
    'SPIFFE-2',
    'SPIFFE-ID §2.1',
    'The trust domain has 1 to 255 characters out of a-z, 0-9, ".", "_" and "-".',
    'Issue it with a trust domain name out of those characters.',
  ),
  formRule(
    'SPIFFE-3',
    'SPIFFE-ID §2.2',
    'Path segments consist of A-Z, a-z, 0-9, ".", "_" and "-"; none is empty, "." or "..".',
    'Issue it with a path out of those characters and without a trailing slash.',
  ),
  formRule(
    'SPIFFE-4',
    'SPIFFE-ID §2.3',
    'The SPIFFE ID has at most 2,048 bytes.',
    'Shorten the path.',
  ),
  formRule(
    'SPIFFE-5',
    'SPIFFE-ID §2.1',
    'Scheme and trust domain are in lower case, as the readers in use want them.',
    'Issue it with the lower-case form.',
  ),
];
