/** The workload that a template is filled in for. */
export interface TemplateFacts {
  readonly namespace: string;
  readonly serviceAccount: string;
}

const servicePlaceholder = '{service}';

/** Fills in {namespace} and {serviceAccount}. What stands for them is never looked at again. */
export function fillTemplate(template: string, { namespace, serviceAccount }: TemplateFacts): string {
  return template.replaceAll(/\{(namespace|serviceAccount)\}/gu, (_, placeholder) => (placeholder === 'namespace' ? namespace : serviceAccount));
}

/**
 * The DNS names that templates come to, each once, in their order. A template with {service} comes to one name for each
 * service; with none, to none.
 */
export function fillDnsNames(templates: readonly string[], facts: TemplateFacts, services: readonly string[]): readonly string[] {
  const names = templates.flatMap((template) => {
    const alternatives = template.includes(servicePlaceholder) ? services.map((service) => template.replaceAll(servicePlaceholder, () => service)) : [template];
    return alternatives.map((alternative) => fillTemplate(alternative, facts));
  });
  return [...new Set(names)];
}
