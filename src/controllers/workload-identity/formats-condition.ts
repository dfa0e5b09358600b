import type { Condition, ResolvedIdentitySpec } from '../../resources/index.ts';
import type { SecretMetadata } from '../../store/port.ts';
import { deliveredFormats, keystoreFiles } from './formats.ts';
import type { PasswordReading } from './keystore-password.ts';
import type { DeliveredSvid } from './secret.ts';

/** What is told of the further formats. */
export interface FormatsInputs {
  readonly wanted: Pick<ResolvedIdentitySpec, 'der' | 'keystore'>;
  readonly password: PasswordReading | undefined;
  readonly svid: DeliveredSvid | undefined;
  readonly secret: SecretMetadata | undefined;
}

type NewCondition = Omit<Condition, 'lastTransitionTime' | 'observedGeneration'>;

const keystoreNames = keystoreFiles.join(' and ');

/** Formats: whether every further format that is asked for is in the Secret; undefined when none is asked for. */
export function formatsCondition({ wanted, password, svid, secret }: FormatsInputs): NewCondition | undefined {
  if (!wanted.der && wanted.keystore === undefined) return undefined;
  const failed = (reason: string, message: string): NewCondition => ({ type: 'Formats', status: 'False', reason, message });
  if (svid === undefined || secret === undefined) return failed('Pending', 'not issued yet');
  const { der, keystores } = deliveredFormats(secret);
  if (wanted.keystore !== undefined && keystores?.serialNumber !== svid.serialNumber) {
    if (password?.kind !== 'unusable') return failed('Pending', `${keystoreNames} are not written yet`);
    const rest = keystores === undefined ? `${keystoreNames} are not in Secret ${secret.metadata.name}` : `${keystoreNames} stay as they are, with the certificate before this one, until ${keystores.notAfter}`;
    return failed(password.reason, `${password.message}; until then ${rest}, and the other files are renewed`);
  }
  if (wanted.der !== der) return failed('Pending', 'the DER files are not written yet');
  // The stores in place are of the current pair; the next ones need the password.
  if (password?.kind === 'unusable') return failed(password.reason, `${password.message}; until then ${keystoreNames} stay as they are, with the certificate that ends at ${keystores?.notAfter ?? ''}`);
  const files = [...(der ? ['tls.der', 'chain.der', 'key.der', 'ca.der'] : []), ...(keystores === undefined ? [] : keystoreFiles)];
  return { type: 'Formats', status: 'True', reason: 'Written', message: `${files.join(', ')} are in Secret ${secret.metadata.name}` };
}

/** Why an identity with a pair in place is not ready all the same: what reads its keystore finds none. */
export function keystoreMissing({ wanted, password, secret }: FormatsInputs): Pick<Condition, 'reason' | 'message'> | undefined {
  if (wanted.keystore === undefined || secret === undefined || deliveredFormats(secret).keystores !== undefined) return undefined;
  const place = `key, certificate and bundle are in Secret ${secret.metadata.name}, ${keystoreNames} are not`;
  return password?.kind === 'unusable' ? { reason: password.reason, message: `${place}: ${password.message}` } : { reason: 'Pending', message: `${place} yet` };
}
