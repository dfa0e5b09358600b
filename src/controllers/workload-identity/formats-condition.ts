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
export function formatsCondition({ wanted, password: reading, svid, secret }: FormatsInputs): NewCondition | undefined {
  if (!wanted.der && wanted.keystore === undefined) return undefined;
  const failed = (reason: string, message: string): NewCondition => ({ type: 'Formats', status: 'False', reason, message });
  if (svid === undefined || secret === undefined) return failed('Pending', 'not issued yet');
  const { der, keystores } = deliveredFormats(secret);
  if (reading?.kind === 'unusable') {
    // Of the current pair or not: the next ones need the password.
    const rest = keystores === undefined ? `are not in Secret ${secret.metadata.name}` : `stay as they are, with a certificate that ends at ${keystores.notAfter}`;
    return failed(reading.reason, `${reading.message}; until then ${keystoreNames} ${rest}, and the other files are renewed`);
  }
  if (wanted.keystore !== undefined && keystores?.serialNumber !== svid.serialNumber) return failed('Pending', `${keystoreNames} are not written yet`);
  if (wanted.der !== der) return failed('Pending', 'the DER files are not written yet');
  const files = [...(der ? ['tls.der', 'chain.der', 'key.der', 'ca.der'] : []), ...(keystores === undefined ? [] : keystoreFiles)];
  return { type: 'Formats', status: 'True', reason: 'Written', message: `${files.join(', ')} are in Secret ${secret.metadata.name}` };
}

/** Why an identity with a pair in place is not ready all the same: what reads its keystore finds none. Told as `Formats` tells it. */
export function keystoreMissing(inputs: FormatsInputs): Pick<Condition, 'reason' | 'message'> | undefined {
  const { wanted, secret } = inputs;
  if (wanted.keystore === undefined || secret === undefined || deliveredFormats(secret).keystores !== undefined) return undefined;
  const { reason = 'Pending', message = '' } = formatsCondition(inputs) ?? {};
  return { reason, message };
}
