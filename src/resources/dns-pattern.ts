/**
 * Whether `name` (lower case, no trailing dot) is granted to an identity of `namespace` by one of a trust domain's
 * `dnsNames.allowedPatterns`: label by label, where `*` is exactly one label and `{namespace}` the namespace.
 */
export function dnsNameAllowed(name: string, patterns: readonly string[], namespace: string): boolean {
  const labels = name.split('.');
  return patterns.some((pattern) => {
    const wanted = pattern.split('.');
    return (
      wanted.length === labels.length &&
      wanted.every((label, index) => label === '*' || labels[index] === (label === '{namespace}' ? namespace : label))
    );
  });
}
