import { unknownField } from './check-unknown.ts';
import { isJsonObject, type JsonObject } from './json.ts';
import { invalid, type Problem } from './problem.ts';

/** metav1.ObjectMeta. What the server owns may stand in a manifest (`kubectl get -o yaml` writes it) and is ignored. */
const metadataFields = [
  'name', 'namespace', 'labels', 'annotations', 'finalizers', 'generateName', 'uid', 'resourceVersion', 'generation',
  'creationTimestamp', 'deletionTimestamp', 'deletionGracePeriodSeconds', 'ownerReferences', 'managedFields', 'selfLink',
] as const;

const nameLengthMax = 253;
const keyNameLengthMax = 63;
const namespaceLengthMax = 63;
/** All annotations of an object together, in bytes. */
const annotationsSizeMax = 262_144;

const dnsLabel = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const dnsSubdomain = String.raw`${dnsLabel}(\.${dnsLabel})*`;
const qualifiedName = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';
const labelValue = `(${qualifiedName})?`;

const matches = (text: string, expression: string): boolean => new RegExp(`^(?:${expression})$`, 'u').test(text);
const tooLong = (max: number): string => `must be no more than ${max} bytes`;
const hint = (examples: string, expression: string): string => `(${examples}, regex used for validation is '${expression}')`;

const subdomainSentence = `a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character ${hint("e.g. 'example.com'", dnsSubdomain)}`;
const labelSentence = `a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character ${hint("e.g. 'my-name',  or '123-abc'", dnsLabel)}`;
const qualifiedSentence = `name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character ${hint("e.g. 'MyName',  or 'my.name',  or '123-abc'", qualifiedName)}`;
const valueSentence = `a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character ${hint("e.g. 'MyValue',  or 'my_value',  or '12345'", labelValue)}`;

function* keySentences(key: string): Generator<string> {
  const [first = '', second, ...more] = key.split('/');
  const name = second ?? first;
  if (second !== undefined && more.length === 0) {
    if (first === '') yield 'prefix part must be non-empty';
    else if (first.length > nameLengthMax) yield `prefix part ${tooLong(nameLengthMax)}`;
    else if (!matches(first, dnsSubdomain)) yield `prefix part ${subdomainSentence}`;
  }
  if (more.length > 0) {
    yield `a valid label key must consist of a name part with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`;
    return;
  }
  if (name === '') yield 'name part must be non-empty';
  else if (name.length > keyNameLengthMax) yield `name part ${tooLong(keyNameLengthMax)}`;
  if (!matches(name, qualifiedName)) yield qualifiedSentence;
}

function* stringMap(metadata: JsonObject, name: 'labels' | 'annotations'): Generator<Problem> {
  const field = `metadata.${name}`;
  const map = metadata[name] ?? {};
  if (!isJsonObject(map)) {
    yield invalid(field, 'write a map of strings');
    return;
  }
  let size = 0;
  for (const [key, value] of Object.entries(map)) {
    // Keys of annotations are checked as if in lower case.
    for (const sentence of keySentences(name === 'labels' ? key : key.toLowerCase())) yield invalid(field, sentence, key);
    if (typeof value !== 'string') {
      yield invalid(`${field}.${key}`, 'write a string, in quotes where YAML would read a number or a boolean');
      continue;
    }
    size += Buffer.byteLength(key) + Buffer.byteLength(value);
    if (name === 'labels' && value.length > keyNameLengthMax) yield invalid(field, tooLong(keyNameLengthMax), value);
    else if (name === 'labels' && !matches(value, labelValue)) yield invalid(field, valueSentence, value);
  }
  if (name === 'annotations' && size > annotationsSizeMax) {
    yield { field, message: `${field}: Too long: may not be more than ${annotationsSizeMax} bytes` };
  }
}

function* nameProblems(metadata: JsonObject): Generator<Problem> {
  const { name } = metadata;
  if (name === undefined || name === null || name === '') {
    yield { field: 'metadata.name', message: 'metadata.name: Required value: name is required' };
  } else if (typeof name !== 'string') {
    yield invalid('metadata.name', 'write a string, in quotes where YAML would read a number or a boolean');
  } else if (name.length > nameLengthMax) {
    yield invalid('metadata.name', tooLong(nameLengthMax), name);
  } else if (!matches(name, dnsSubdomain)) {
    yield invalid('metadata.name', subdomainSentence, name);
  }
}

function* namespaceProblems(metadata: JsonObject): Generator<Problem> {
  const { namespace } = metadata;
  if (namespace === undefined || namespace === null || namespace === '') return;
  if (typeof namespace !== 'string') {
    yield invalid('metadata.namespace', 'write a string, in quotes where YAML would read a number or a boolean');
  } else if (namespace.length > namespaceLengthMax) {
    yield invalid('metadata.namespace', tooLong(namespaceLengthMax), namespace);
  } else if (!matches(namespace, dnsLabel)) {
    yield invalid('metadata.namespace', labelSentence, namespace);
  }
}

/** Everything that is wrong with the metadata of an object that is to be written. */
export function* metadataProblems(metadata: JsonObject): Generator<Problem> {
  for (const name of Object.keys(metadata)) {
    if (!(metadataFields as readonly string[]).includes(name)) yield unknownField('metadata', name, metadataFields);
  }
  yield* nameProblems(metadata);
  yield* namespaceProblems(metadata);
  yield* stringMap(metadata, 'labels');
  yield* stringMap(metadata, 'annotations');
}
