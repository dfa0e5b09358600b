import type { ManifestCase } from './manifest-case.ts';

const address =
  'IP addresses are not issued, because an identity outlives the address of its pod; write the DNS name of the service, such as cart.shop.svc';
const hostAlone = 'write the host name alone, such as cart.shop.svc: no scheme and no port';
const asciiForm = 'write the ASCII form of an internationalized name, which starts with "xn--"';
const labelForm = 'each label between the dots has 1 to 63 characters and neither starts nor ends with "-"';

/** Cases of `spec.dnsNames`; `identity` makes a manifest with this spec. */
export function dnsNameCases(identity: (spec: Readonly<Record<string, unknown>>) => ManifestCase['good']): readonly ManifestCase[] {
  const dns = (name: string, bad: string, ...sentences: readonly string[]): ManifestCase => ({
    name: `DNS name: ${name}`,
    good: identity({ dnsNames: ['cart.shop.svc', 'cart', 'xn--bcher-kva.shop', 'a'.repeat(63), 'cart.shop.svc'] }),
    bad: identity({ dnsNames: ['cart.shop', bad] }),
    sentences: sentences.map((sentence) => `spec.dnsNames[1]: Invalid value: "${bad}": ${sentence}`),
  });
  return [
    dns('wildcard', '*.shop.svc', 'wildcards are not issued, because a wildcard speaks for workloads that are not this one; list each name that is served'),
    dns('IPv4 address', '10.0.0.1', address),
    dns('IPv4 address in one number', '2130706433', address),
    dns('IPv6 address', '2001:db8::1', address),
    dns('IPv6 address in brackets', '[::1]', address),
    dns('name with a port', 'cart.shop:8443', hostAlone),
    dns('URL', 'https://cart.shop', hostAlone),
    dns('upper case', 'Cart.shop', 'write it in lower case, as it stands in the certificate: cart.shop'),
    dns('trailing dot', 'cart.shop.', 'leave out the trailing dot, because names in certificates have none'),
    dns('Unicode', 'bücher.shop', asciiForm),
    dns('Unicode with upper case', 'Bücher.shop', 'write it in lower case, as it stands in the certificate', asciiForm),
    dns('underscore', 'cart_v2.shop', 'host names have no underscore; rename the service, for example with "-" in place of "_"'),
    dns('space', 'cart shop', 'a DNS name is made of lower-case letters, digits, "-" and "." only'),
    dns('slash', 'cart/shop', 'a DNS name is made of lower-case letters, digits, "-" and "." only'),
    dns('empty label', 'cart..shop', labelForm),
    dns('leading dot', '.shop', labelForm),
    dns('hyphen at an end', 'cart-.shop', labelForm),
    dns('long label', 'a'.repeat(64), labelForm),
    {
      name: 'DNS names: too many',
      good: identity({ dnsNames: Array.from({ length: 32 }, (_, index) => `cart-${index}.shop`) }),
      bad: identity({ dnsNames: Array.from({ length: 33 }, (_, index) => `cart-${index}.shop`) }),
      sentences: ['spec.dnsNames: Too many: 33: must have at most 32 items'],
    },
  ];
}
