import type { CertificateView } from '../certificate-view.ts';
import { shorten } from '../quote.ts';
import type { Refusal, RefusalCode } from './refusal.ts';

/** A certificate of the path with its place, so that a refusal can point at it. */
export interface Place {
  readonly view: CertificateView;
  readonly certificate: number | 'root';
  /** `The leaf`, `Intermediate 1 (CN=…)`, `The root (CN=…)`. */
  readonly name: string;
}

function nameOf(view: CertificateView): string {
  return view.subject.empty ? 'no subject' : shorten(view.subject.text);
}

/** The certificate at `index` of the presented chain. */
export function presented(view: CertificateView, index: number): Place {
  return { view, certificate: index, name: index === 0 ? 'The leaf' : `Intermediate ${index} (${nameOf(view)})` };
}

/** A root of the bundle. */
export function root(view: CertificateView): Place {
  return { view, certificate: 'root', name: `The root (${nameOf(view)})` };
}

/** A refusal about the certificate at `place`; `clause` goes on from its name and has no full stop. */
export function refusal(place: Place, code: RefusalCode, rule: string, clause: string): Refusal {
  return { code, rule, certificate: place.certificate, sentence: `${place.name} ${clause}.` };
}
