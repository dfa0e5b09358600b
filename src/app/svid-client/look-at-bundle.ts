import { parseSpiffeBundle, parseSpiffeId } from '../../spiffe/index.ts';
import { parsePem } from '../../x509/index.ts';
import { getFromApi, strange, type SvidServer } from './ask-api.ts';

/** Bounds of what a hint can bring about. The longest is how often a bundle is fetched without one (SPIFFE-31). */
const [shortestMs, longestMs] = [10_000, 300_000];

/**
 * Looks at the bundle of the trust domain that an SVID is of. A rotation waits until whoever has its bundle from the API had the
 * time of five hints: a new root has to be known before anything is signed below it, which is sooner than any SVID ends.
 * @returns whether its roots are others than those in `rootsPem`, and after how many milliseconds to look again
 * @throws MtlsdError API_REFUSED, API_UNREACHABLE, API_ANSWER_STRANGE, CONFIGURATION_INVALID
 */
export async function lookAtBundle(server: SvidServer, spiffeId: string, rootsPem: string): Promise<{ readonly isOther: boolean; readonly againMs: number }> {
  const { trustDomain } = parseSpiffeId(spiffeId);
  const text = await getFromApi(server, `/v1/trust-domains/${trustDomain}/bundle`);
  const { x509Roots, refreshHintSeconds } = readBundle(server, text, trustDomain);
  const served = x509Roots.map(textOf);
  const held = new Set(parsePem(rootsPem).map(({ der }) => textOf(der)));
  const againMs = refreshHintSeconds === undefined ? longestMs : Math.min(longestMs, Math.max(shortestMs, refreshHintSeconds * 1000));
  return { isOther: served.length !== held.size || served.some((root) => !held.has(root)), againMs };
}

function readBundle({ api }: SvidServer, ...document: Parameters<typeof parseSpiffeBundle>) {
  try {
    return parseSpiffeBundle(...document).bundle;
  } catch {
    throw strange(api, 'its bundle cannot be read');
  }
}

const textOf = (der: Uint8Array): string => Buffer.from(der).toString('base64');
