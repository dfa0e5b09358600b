import { MtlsdError } from '../errors/index.ts';
import { quote, shorten } from './quote.ts';
import { pathProblem } from './spiffe-id.ts';

/** What a path template may speak of. */
interface PathValues {
  readonly namespace: string;
  readonly serviceAccount: string;
}

/** The first segment of the IDs of those whom other issuers vouch for: no workload of a cluster has one below it. */
export const externalSegment = 'ext';

const placeholders = ['namespace', 'serviceAccount'] as const;
const example = '"/ns/{namespace}/sa/{serviceAccount}"';

function refuse(template: string, sentence: string): never {
  throw new MtlsdError('SPIFFE_PATH_TEMPLATE_INVALID', `Path template ${quote(template)} is refused: ${sentence}.`, {
    details: { value: shorten(template) },
  });
}

function isPlaceholder(name: string): name is (typeof placeholders)[number] {
  return (placeholders as readonly string[]).includes(name);
}

/**
 * One placeholder a segment at most: in "/{namespace}-{serviceAccount}" the workload `c` of `a-b` and the workload `b-c`
 * of `a` would share one SPIFFE ID, and so each could be taken for the other.
 */
function checkPlaceholders(template: string): void {
  const seen = new Set<string>();
  for (const segment of template.split('/')) {
    const names = [...segment.matchAll(/\{([^{}]*)\}/gu)].map((match) => match[1] ?? '');
    for (const name of names) {
      if (!isPlaceholder(name)) refuse(template, `{${shorten(name)}} is unknown: use {namespace} and {serviceAccount}`);
      seen.add(name);
    }
    if (names.length > 1) {
      refuse(template, `segment ${quote(segment)} holds two placeholders, so that two workloads could share one ID: put "/" between them`);
    }
  }
  const missing = placeholders.find((name) => !seen.has(name));
  if (missing !== undefined) refuse(template, `it lacks {${missing}}, so that two workloads would share one ID: write for example ${example}`);
}

/** Templates that were found sound: a trust domain has one, and it is expanded at each issuance. */
const sound = new Set<string>();
const soundMax = 64;

/**
 * The path of a workload's SPIFFE ID: `template` with its placeholders filled in. Different values never give one path.
 *
 * @throws MtlsdError `SPIFFE_PATH_TEMPLATE_INVALID` for a template without both placeholders, with unknown ones, with two
 * in a segment, whose outcome breaks SPIFFE-3 or lies below `/ext/`; a value that is no path segment is refused the same way
 */
export function expandPathTemplate(template: string, values: PathValues): string {
  if (!template.startsWith('/')) refuse(template, `it must start with "/": write for example ${example}`);
  if (!sound.has(template)) {
    checkPlaceholders(template);
    if (sound.size < soundMax) sound.add(template);
  }
  for (const name of placeholders) {
    if (!/^[A-Za-z0-9._-]+$/u.test(values[name])) {
      refuse(template, `${name} ${quote(values[name])} cannot be a path segment: use only A-Z, a-z, 0-9, ".", "_" and "-"`);
    }
  }
  const path = template.replaceAll(/\{([^{}]*)\}/gu, (whole, name: string) => (isPlaceholder(name) ? values[name] : whole));
  // After expansion: the namespace may be the first segment.
  if (path.startsWith(`/${externalSegment}/`)) refuse(template, `it leads to /${externalSegment}/, where the IDs of callers from outside are: begin it with another segment`);
  const problem = pathProblem(path);
  if (problem !== undefined) refuse(template, `${problem.sentence} (${problem.rule})`);
  return path;
}
