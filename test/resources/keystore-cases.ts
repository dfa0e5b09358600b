/** As in manifest-cases.ts, which takes these in. */
interface ManifestCase {
  readonly name: string;
  readonly good: Readonly<Record<string, unknown>>;
  readonly bad: Readonly<Record<string, unknown>>;
  readonly sentences: readonly string[];
}

const secretName = 'write the name of a Secret of this namespace, such as cart-keystore: lower-case letters, digits, "-" and "."';
const secretKey = 'write a key of the Secret, such as password: letters, digits, "-", "_" and "."';
const filePath =
  'write a path below the folder of manifests, such as cart.password or passwords/cart: without "/" at its start, without "." and ".." as parts';
const aliasForm = 'an alias has lower-case letters, digits, "-", "_" and "." only, and starts and ends with a letter or digit';

/** Cases of `spec.formats`; `identity` makes a manifest with this spec. */
export function formatsCases(identity: (spec: Readonly<Record<string, unknown>>) => ManifestCase['good']): readonly ManifestCase[] {
  const keystore = (pkcs12: Readonly<Record<string, unknown>>): ManifestCase['good'] => identity({ formats: { pkcs12 } });
  const passwordSecretRef = { name: 'cart-keystore' };
  const refused = (name: string, field: string, good: ManifestCase['good'], bad: ManifestCase['good'], value: string, sentence: string): ManifestCase => ({
    name,
    good,
    bad,
    sentences: [`spec.formats.pkcs12${field}: Invalid value: ${value}${sentence}`],
  });
  const path = (name: string, bad: string): ManifestCase => refused(`password file: ${name}`, '.passwordFile', keystore({ passwordFile: 'of shop/cart..x' }), keystore({ passwordFile: bad }), `"${bad}": `, filePath);
  return [
    refused('keystore without a password', '', keystore({ passwordSecretRef }), keystore({}), '', 'a keystore needs a password: set passwordSecretRef to a Secret of this namespace, or outside Kubernetes passwordFile to a file'),
    refused('password from two places', '', keystore({ passwordFile: 'cart.password' }), keystore({ passwordFile: 'cart.password', passwordSecretRef }), '', 'the password comes from one place: set passwordSecretRef or passwordFile, not both'),
    refused('password Secret of another namespace', '.passwordSecretRef.name', keystore({ passwordSecretRef: { name: 'a.b-c' } }), keystore({ passwordSecretRef: { name: 'other/store' } }), '"other/store": ', secretName),
    refused('key that no Secret has', '.passwordSecretRef.key', keystore({ passwordSecretRef: { name: 'store', key: 'Pass_word.1' } }), keystore({ passwordSecretRef: { name: 'store', key: 'pass word' } }), '"pass word": ', secretKey),
    path('absolute', '/etc/shadow'),
    path('out of the folder', '../cart.password'),
    path('out of the folder by a detour', 'passwords/../../cart'),
    path('of the folder itself', '.'),
    path('with an empty part', 'passwords//cart'),
    refused('alias that Java would lower', '.alias', keystore({ passwordSecretRef, alias: 'cart_1.x' }), keystore({ passwordSecretRef, alias: 'Cart' }), '"Cart": ', aliasForm),
    refused('alias of roots that ends in a dash', '.trustAlias', keystore({ passwordSecretRef, trustAlias: 'shop-ca' }), keystore({ passwordSecretRef, trustAlias: 'shop-' }), '"shop-": ', aliasForm),
    {
      name: 'profile that there is not',
      good: keystore({ passwordSecretRef, profile: 'Compatible' }),
      bad: keystore({ passwordSecretRef, profile: 'Legacy' }),
      sentences: ['spec.formats.pkcs12.profile: Unsupported value: "Legacy": supported values: "Modern", "Compatible"'],
    },
  ];
}
