{{/*
Injection: what src/injection does to manifests (`mtlsd inject`), in CEL. test/cluster/injection.test.ts gives both the same
pods and compares.
*/}}

{{/*
Whether the API server can change pods by a policy: not before Kubernetes 1.36. It says so itself when it is asked; helm
template asks nobody, knows no kinds then, and goes by the version.
*/}}
{{- define "mtlsd.injects" -}}
{{- $kinds := .Capabilities.APIVersions -}}
{{- $served := ternary ($kinds.Has "admissionregistration.k8s.io/v1/MutatingAdmissionPolicy") (semverCompare ">=1.36.0-0" .Capabilities.KubeVersion.Version) ($kinds.Has "v1/Pod") -}}
{{- if and .Values.injection.enabled $served -}}true{{- end -}}
{{- end }}

{{/* What mtlsd.io/inject: "true" asks for: what is preferred, or the one delivery that this installation has. */}}
{{- define "mtlsd.injectionDelivery" -}}
{{- if not .Values.delivery.podCertificates.enabled }}secret{{ else if not .Values.delivery.secrets.enabled }}pod-certificate{{ else }}{{ .Values.injection.delivery }}{{ end -}}
{{- end }}

{{- define "mtlsd.injectionSelector" -}}
matchExpressions:
  - {key: mtlsd.io/inject, operator: Exists}
  - {key: mtlsd.io/inject, operator: NotIn, values: ["false"]}
{{- end }}

{{/* A mirror of a static pod, which no Secret reaches, is what kubelet says it is. */}}
{{- define "mtlsd.injectionConditions" -}}
- name: not-a-static-pod
  expression: "!('kubernetes.io/config.mirror' in object.metadata.?annotations.orValue({}))"
{{- end }}

{{/* What a pod asks for, as variables, and all that is wrong with it, given as {root, pod}: `pod` leads to the pod or its template. */}}
{{- define "mtlsd.injectionVariables" -}}
{{- $name := "^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$" -}}
- name: labels
  expression: {{ .pod }}.?metadata.?labels.orValue({})
- name: annotations
  expression: {{ .pod }}.?metadata.?annotations.orValue({})
- name: label
  expression: string(variables.labels[?'mtlsd.io/inject'].orValue('false'))
- name: delivery
  expression: "variables.label == 'true' ? '{{ include "mtlsd.injectionDelivery" .root }}' : variables.label"
- name: serviceAccount
  expression: "{{ .pod }}.spec.?serviceAccountName.orValue('') == '' ? 'default' : {{ .pod }}.spec.serviceAccountName"
- name: namedIdentity
  expression: variables.annotations[?'mtlsd.io/identity'].or(variables.labels[?'mtlsd.io/identity'])
- name: identity
  expression: string(variables.namedIdentity.orValue(variables.serviceAccount))
- name: secret
  expression: string(variables.annotations[?'mtlsd.io/secret'].or(variables.labels[?'mtlsd.io/secret']).orValue(variables.identity + '-mtls'))
# Empty: neither the pod nor the installation names one.
- name: namedTrustDomain
  expression: variables.annotations[?'mtlsd.io/trust-domain'].or(variables.labels[?'mtlsd.io/trust-domain'])
- name: trustDomain
  expression: string(variables.namedTrustDomain.orValue('{{ .root.Values.injection.trustDomain }}'))
- name: environmentChoice
  expression: string(variables.annotations[?'mtlsd.io/environment'].or(variables.labels[?'mtlsd.io/environment']).orValue('additive'))
# What is wrong and the value that is, beside what to write instead.
- name: wrongValues
  expression: >-
    [
    variables.label in ['secret', 'pod-certificate', 'true', 'false'] ? [] : ['the label mtlsd.io/inject is ', variables.label, ': write secret, pod-certificate, "true" (what this installation prefers) or "false"'],
    {{- if not .root.Values.delivery.secrets.enabled }}
    variables.delivery != 'secret' ? [] : ['this installation writes no Secrets of identities: write mtlsd.io/inject: pod-certificate'],
    {{- end }}
    {{- if not .root.Values.delivery.podCertificates.enabled }}
    variables.delivery != 'pod-certificate' ? [] : ['this installation signs no pod certificates: write mtlsd.io/inject: secret'],
    {{- end }}
    {{ .pod }}.spec.?os.?name.orValue('') != 'windows' ? [] : ['pods of Windows get no identity by mtlsd.io/inject: remove the label'],
    variables.identity.matches('{{ $name }}') && size(variables.identity) <= 248 ? [] : ['mtlsd.io/identity is ', variables.identity, ': write the name of a WorkloadIdentity of this namespace, such as cart'],
    variables.secret.matches('{{ $name }}') && size(variables.secret) <= 253 ? [] : ['mtlsd.io/secret is ', variables.secret, ': write the name of a Secret of this namespace, such as cart-mtls'],
    (variables.trustDomain == '' && !variables.namedTrustDomain.hasValue()) || (variables.trustDomain.matches('{{ $name }}') && size(variables.trustDomain) <= 63) ? [] : ['mtlsd.io/trust-domain is ', variables.trustDomain, ': write the name of a trust domain, such as shop.example'],
    variables.environmentChoice in ['minimal', 'additive', 'all'] ? [] : ['mtlsd.io/environment is ', variables.environmentChoice, ': write minimal, additive or all'],
    variables.delivery != 'pod-certificate' || variables.trustDomain != '' || variables.namedTrustDomain.hasValue() ? [] : ['a pod certificate needs a trust domain, and this installation has no default: name it with the annotation mtlsd.io/trust-domain'],
    {{ .pod }}.spec.?volumes.orValue([]).all(v, v.name != 'mtlsd' || (variables.delivery == 'secret' ? has(v.secret) :
    v.?projected.?sources.orValue([]).exists(s, s.?podCertificate.?signerName.orValue('') == 'mtlsd.io/x509-svid')))
    ? [] : [variables.delivery == 'secret' ? 'the pod has a volume mtlsd that is no Secret: give it another name, or remove the label mtlsd.io/inject' :
    'the pod has a volume mtlsd without a pod certificate of mtlsd: give it another name, or remove the label mtlsd.io/inject; if it is not yours, then this API server has no pod certificates: write mtlsd.io/inject: secret']
    ].filter(parts, size(parts) > 0)
- name: problems
  expression: >-
    variables.wrongValues.map(parts, size(parts) == 1 ? parts[0] :
    parts[0] + '"' + (size(parts[1]) > 80 ? parts[1].substring(0, 80) + '…' : parts[1]) + '"' + parts[2])
{{- end }}

{{/* Refuses what cannot be given, with all reasons in one sentence. */}}
{{- define "mtlsd.injectionValidation" -}}
- expression: size(variables.problems) == 0
  reason: Invalid
  messageExpression: variables.problems.join('; ')
{{- end }}
