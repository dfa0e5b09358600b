import 'reflect-metadata';
import { X509Certificate } from '@peculiar/x509';
import { expect, test } from 'vitest';

// The types of the library lean on those of a browser, which src/x509/webcrypto.d.ts names: were one missing, every
// argument would silently be `any`, the directive below would be unused, and the type check would fail.
test('only the compiler refuses a certificate made of a number: the library takes it in silence', () => {
  // @ts-expect-error a number is no encoded certificate
  const made = new X509Certificate(42);
  expect(made).toBeInstanceOf(X509Certificate);
});
