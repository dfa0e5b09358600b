{{/*
Names are fixed: kinds and authorities are the cluster's, so one installation serves a cluster, and a second one meets
Helm's own refusal to take the objects of the first.
*/}}
{{- define "mtlsd.labels" -}}
app.kubernetes.io/name: mtlsd
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: mtlsd
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "mtlsd.selector" -}}
app.kubernetes.io/name: mtlsd
app.kubernetes.io/component: controller
{{- end }}

{{- define "mtlsd.gatewaySelector" -}}
app.kubernetes.io/name: mtlsd
app.kubernetes.io/component: gateway
{{- end }}

{{/* The name by which the API server knows mtlsd. */}}
{{- define "mtlsd.user" -}}
system:serviceaccount:{{ .Release.Namespace }}:mtlsd
{{- end }}

{{/* The namespaces whose Secrets mtlsd may touch, "*" for all. Its own is always among them. */}}
{{- define "mtlsd.secretNamespaces" -}}
{{- $namespaces := .Values.delivery.secrets.namespaces -}}
{{- if not .Values.delivery.secrets.enabled -}}
{{ .Release.Namespace }}
{{- else if has "*" $namespaces -}}
{{- if gt (len $namespaces) 1 -}}
{{- fail "delivery.secrets.namespaces: \"*\" stands for every namespace and must stand alone: write [\"*\"], or the names without \"*\"" -}}
{{- end -}}
*
{{- else -}}
{{- join "," (append $namespaces .Release.Namespace | uniq | sortAlpha) -}}
{{- end -}}
{{- end }}

{{/* The kinds of bundles that mtlsd may write, empty for all. */}}
{{- define "mtlsd.bundleKinds" -}}
{{- $bundles := .Values.bundles -}}
{{- if not (and $bundles.configMaps $bundles.clusterTrustBundles) -}}
{{- if $bundles.configMaps }}config-maps{{ else if $bundles.clusterTrustBundles }}cluster-trust-bundles{{ else }}none{{ end -}}
{{- end -}}
{{- end }}

{{/* How identities reach pods, empty for every way. */}}
{{- define "mtlsd.deliveryKinds" -}}
{{- $secrets := .Values.delivery.secrets.enabled -}}
{{- $podCertificates := .Values.delivery.podCertificates.enabled -}}
{{- if not (or $secrets $podCertificates) -}}
{{- fail "delivery: with neither secrets.enabled nor podCertificates.enabled no identity would reach a pod: enable one" -}}
{{- end -}}
{{- if not (and $secrets $podCertificates) }}{{ $secrets | ternary "secrets" "pod-certificates" }}{{ end -}}
{{- end }}

{{- define "mtlsd.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end }}

{{/* RBAC subjects as values list them. */}}
{{- define "mtlsd.subjects" -}}
{{- range . }}
- kind: {{ .kind }}
  name: {{ .name | quote }}
  {{- if eq .kind "ServiceAccount" }}
  namespace: {{ .namespace }}
  {{- else }}
  apiGroup: rbac.authorization.k8s.io
  {{- end }}
{{- end }}
{{- end }}
