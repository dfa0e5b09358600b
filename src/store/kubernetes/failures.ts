import { MtlsdError } from '../../errors/index.ts';
import { describeKey } from '../object-key.ts';
import { CredentialsError } from './credentials.ts';
import { alreadyExists, conflict, notFound } from '../store-errors.ts';
import type { Kind, ObjectKey } from '../port.ts';
import { definitionName, isCustomResource, qualifiedPlural, resourceTypeOf } from './resource-types.ts';
import { parseStatus, retryAfterMs, type ApiStatus } from './status.ts';

/** What was asked of the API server. Without a name it was the collection. */
export interface Question {
  readonly verb: 'get' | 'create' | 'update' | 'delete' | 'list' | 'watch';
  readonly kind: Kind;
  readonly namespace?: string;
  readonly name?: string;
}

/** An answer that is no success. */
export interface Refusal {
  readonly status: number;
  readonly retryAfter?: string | readonly string[] | undefined;
  readonly text: string;
}

/** The HTTP status behind an error of the store, as its cause. */
export class HttpRefusal extends Error {
  override readonly name = 'HttpRefusal';
  readonly status: number;

  constructor(status: number) {
    super(`HTTP ${status}`);
    this.status = status;
  }
}

/** What the API server's refusal means, with its own words and what to do. */
export function refusalError(question: Question, refusal: Refusal): MtlsdError {
  const status = parseStatus(refusal.text);
  return statusError(question, refusal.status, status, retryAfterMs(refusal.retryAfter, status), refusal.text);
}

/** The same for a Status that came inside a watch. */
export function watchStatusError(question: Question, status: ApiStatus): MtlsdError {
  return statusError(question, status.code ?? 500, status, retryAfterMs(undefined, status), '');
}

function statusError(question: Question, code: number, status: ApiStatus | undefined, afterMs: number | undefined, text: string): MtlsdError {
  const words = status?.message ?? summary(code, text);
  switch (code) {
    case 400:
    case 405:
    case 413:
    case 415:
    case 422:
      return refused('STORE_INVALID', question, `was refused: ${invalidWords(words, status)}`);
    case 401:
      return refused('STORE_FORBIDDEN', question, `could not be reached: the API server does not know mtlsd's credentials (401). Check the token or client certificate of the kubeconfig or service account`);
    case 403:
      return forbidden(question, status, words);
    case 404:
      return missing(question, status);
    case 409:
      return conflicting(question, status, words);
    default:
      return unavailable(question, `got no useful answer from the API server: ${words} (${code})`, afterMs, new HttpRefusal(code));
  }
}

function refused(code: 'STORE_INVALID' | 'STORE_FORBIDDEN' | 'STORE_TERMINATING', question: Question, what: string): MtlsdError {
  const object = describe(question);
  return new MtlsdError(code, `${object} ${what.replace(/\.+$/u, '')}.`, { details: { object } });
}

function invalidWords(words: string, status: ApiStatus | undefined): string {
  const causes = (status?.details?.causes ?? []).map(({ field, message }) => [field, message].filter((part) => part !== undefined && part !== '').join(': '));
  const untold = causes.filter((cause) => cause !== '' && !causes.some((other) => other !== cause && other.includes(cause)));
  // The message of an Invalid lists the causes already; that of other refusals may not.
  return untold.every((cause) => words.includes(cause)) ? words : `${words}: ${untold.join('; ')}`;
}

function forbidden(question: Question, status: ApiStatus | undefined, words: string): MtlsdError {
  const terminating = (status?.details?.causes ?? []).some((cause) => cause.reason === 'NamespaceTerminating');
  if (terminating || /because it is being terminated/u.test(words)) {
    return refused('STORE_TERMINATING', question, `cannot be written: namespace ${question.namespace ?? question.name ?? ''} is being deleted`);
  }
  // RBAC's own sentence names user, verb, resource and namespace. Quotas and policies speak for themselves.
  const missingRight = /cannot \w+ resource/u.test(words);
  const right = `"${question.verb}" on ${qualifiedPlural(resourceTypeOf(question.kind))}${question.namespace === undefined ? '' : ` in namespace ${question.namespace}`}`;
  return refused('STORE_FORBIDDEN', question, missingRight ? `is out of reach: ${words}. Grant ${right}` : `was refused: ${words}`);
}

function missing(question: Question, status: ApiStatus | undefined): MtlsdError {
  const { kind, namespace, name } = question;
  const named = status?.details?.name;
  if (name === undefined || named === undefined || status?.reason !== 'NotFound') return notServed(kind);
  if (status.details?.kind === 'namespaces' && kind !== 'Namespace') {
    const object = describe(question);
    return new MtlsdError('STORE_NOT_FOUND', `${object} cannot be written: namespace ${namespace ?? named} does not exist.`, { details: { object } });
  }
  return notFound(keyOfQuestion(question));
}

function conflicting(question: Question, status: ApiStatus | undefined, words: string): MtlsdError {
  const key = keyOfQuestion(question);
  if (status?.reason === 'AlreadyExists') return alreadyExists(key);
  // With a uid as precondition the API server reports an object that is gone as a conflict with an empty uid.
  if (/UID in object meta:\s*$/u.test(words)) return notFound(key);
  if (/UID in precondition/u.test(words)) return conflict(key, 'it was deleted and another one of its name was created');
  return conflict(key, words.replace(/\.+$/u, ''));
}

/** The API of the kind is not there: no object of it can exist, which is another thing than one that does not. */
export function notServed(kind: Kind): MtlsdError<'STORE_UNAVAILABLE'> {
  const type = resourceTypeOf(kind);
  const remedy = isCustomResource(type)
    ? `its CustomResourceDefinition ${definitionName(type)} is missing, being deleted or of another version. Install it: kubectl apply -f crds/`
    : `${qualifiedPlural(type)} is not enabled there (${type.versions.join(' or ')})`;
  return new MtlsdError('STORE_UNAVAILABLE', `The API server does not serve ${kind}: ${remedy}.`, { details: { object: kind } });
}

/** Whether `error` says that the API of a kind is not there. */
export function isNotServed(error: unknown): boolean {
  return error instanceof MtlsdError && error.code === 'STORE_UNAVAILABLE' && error.message.startsWith('The API server does not serve ');
}

/** The question never got an answer: a lost connection, a time-out, a certificate that is not trusted. */
export function unreachableError(question: Question, server: string, cause: unknown): MtlsdError<'STORE_UNAVAILABLE'> {
  return unavailable(question, `could not be reached: ${connectionWords(server, cause)}`, undefined, cause);
}

function unavailable(question: Question, what: string, afterMs?: number, cause?: unknown): MtlsdError<'STORE_UNAVAILABLE'> {
  const object = describe(question);
  return new MtlsdError('STORE_UNAVAILABLE', `${object} ${what}${what.endsWith('?') ? '' : '.'}`, {
    details: { object },
    ...(afterMs === undefined ? {} : { retryAfterMs: afterMs }),
    ...(cause === undefined ? {} : { cause }),
  });
}

const certificateErrors = /CERT|SELF_SIGNED|UNABLE_TO_(?:GET|VERIFY)|ERR_TLS/u;

/** Whether a connection failed because the server's certificate, or ours, was not accepted. */
export function isCertificateError(error: unknown): boolean {
  return certificateErrors.test(codeOf(error));
}

function connectionWords(server: string, cause: unknown): string {
  if (cause instanceof CredentialsError) return `there are ${cause.message}`;
  const code = codeOf(cause);
  if (certificateErrors.test(code)) {
    return `the certificate of the API server at ${server} is not accepted (${code}). Check the certificate authority in the kubeconfig or service account`;
  }
  if (code === 'ECONNREFUSED') return `nothing listens at ${server}. Is the API server running?`;
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return `the name of the API server at ${server} cannot be resolved (${code})`;
  return `the connection to the API server at ${server} failed (${code})`;
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown error';
  const { code } = error as { readonly code?: unknown };
  return typeof code === 'string' ? code : error.name;
}

function summary(code: number, text: string): string {
  const line = text.trim().split('\n', 1)[0] ?? '';
  return line === '' || line.startsWith('<') ? `HTTP ${code}` : line.slice(0, 200);
}

function keyOfQuestion({ kind, namespace, name = '' }: Question): ObjectKey {
  return namespace === undefined ? { kind, name } : { kind, namespace, name };
}

function describe(question: Question): string {
  const { kind, namespace, name } = question;
  if (name !== undefined) return describeKey({ kind, namespace, name });
  return namespace === undefined ? `${kind} list` : `${kind} list of namespace ${namespace}`;
}

