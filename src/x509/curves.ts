/** A prime curve y² = x³ − 3x + b of cofactor 1: every point on it but infinity is a sound public key. */
export interface Curve {
  readonly prime: bigint;
  readonly b: bigint;
  /** Octets of one coordinate. */
  readonly octets: number;
}

/** NIST SP 800-186 §3.2.1.3 to §3.2.1.5. */
export const p256: Curve = {
  prime: 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n,
  b: 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn,
  octets: 32,
};

export const p384: Curve = {
  prime: 2n ** 384n - 2n ** 128n - 2n ** 96n + 2n ** 32n - 1n,
  b: 0xb3312fa7e23ee7e4988e056be3f82d19181d9c6efe8141120314088f5013875ac656398d8a2ed19d2a85c8edd3ec2aefn,
  octets: 48,
};

export const p521: Curve = {
  prime: 2n ** 521n - 1n,
  b: 0x051953eb9618e1c9a1f929a21a0b68540eea2da725b99b315f3b8b489918ef109e156193951ec7e937b1652c0bd3bb1bf073573df883d2c34f1ef451fd46b503f00n,
  octets: 66,
};

/** Octets as one number, the most significant first. */
export function toBigInt(octets: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength).toString('hex')}`);
}

/**
 * What is wrong with an uncompressed point (SEC 1 §2.3.3) as a public key, or undefined. SP 800-56A §5.6.2.3.3: both
 * coordinates are reduced and the equation holds; with cofactor 1 the order follows.
 */
export function pointProblem(curve: Curve, point: Uint8Array): string | undefined {
  if (point[0] === 0x02 || point[0] === 0x03) return 'its point is compressed, which many verifiers cannot read';
  if (point.length !== 1 + 2 * curve.octets || point[0] !== 0x04) return 'its point does not have the form of its curve';
  const x = toBigInt(point.subarray(1, 1 + curve.octets));
  const y = toBigInt(point.subarray(1 + curve.octets));
  const { prime, b } = curve;
  if (x >= prime || y >= prime) return 'a coordinate of its point is out of range';
  if ((y * y - (x * x - 3n) * x - b) % prime !== 0n) return 'its point is not on its curve';
  return undefined;
}

const p25519 = 2n ** 255n - 19n;
const d25519 = 37095705934669439343138083508754565189542113879843219016388785533085940283555n;

/** The Jacobi symbol (a / n) for odd n. */
function jacobi(value: bigint, modulus: bigint): number {
  let [a, n, sign] = [value % modulus, modulus, 1];
  while (a !== 0n) {
    while ((a & 1n) === 0n) {
      a >>= 1n;
      const residue = n & 7n;
      if (residue === 3n || residue === 5n) sign = -sign;
    }
    [a, n] = [n, a];
    if ((a & 3n) === 3n && (n & 3n) === 3n) sign = -sign;
    a %= n;
  }
  return n === 1n ? sign : 0;
}

/** The y coordinates of the eight points of small order: 0, 1, −1 and, of order 8, the roots of d·y⁴ + 2·y² = 1. A key among them verifies forgeries. */
const smallOrderY: ReadonlySet<bigint> = new Set([
  0n,
  1n,
  p25519 - 1n,
  2707385501144840649318225287225658788936804267575313519463743609750303402022n,
  55188659117513257062467267217118295137698188065244968500265048394206261417927n,
]);

/**
 * What is wrong with an Ed25519 public key, or undefined. RFC 8032 §5.1.3: y is reduced and x exists, as
 * x² = (y² − 1) / (d·y² + 1); points of small order are refused besides.
 */
export function ed25519Problem(key: Uint8Array): string | undefined {
  if (key.length !== 32) return 'it does not have 32 octets';
  const bigEndian = Uint8Array.from(key).reverse();
  bigEndian[0] = (bigEndian[0] ?? 0) & 0x7f;
  const y = toBigInt(bigEndian);
  if (y >= p25519) return 'its coordinate is out of range';
  if (smallOrderY.has(y)) return 'it is a point of small order';
  const u = y * y - 1n;
  const v = d25519 * y * y + 1n;
  // u/v and u·v are squares together, so no inverse is needed; u·v = 0 only where y = ±1, refused above.
  if (jacobi((u * v) % p25519, p25519) !== 1) return 'it is not on its curve';
  return undefined;
}
