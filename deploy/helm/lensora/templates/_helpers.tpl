{{/* The chart's name, or its override. */}}
{{- define "lensora.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{/*
Prefix of every resource name: the release's name, with the chart's name unless it holds it. Services' names allow less than
releases' do.
*/}}
{{- define "lensora.fullname" -}}
{{- $name := include "lensora.name" . -}}
{{- $full := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{- $full = .Values.fullnameOverride | default $full | trunc 40 | trimSuffix "-" -}}
{{- if not (regexMatch "^[a-z][-a-z0-9]*$" $full) -}}
{{- fail (printf "objects would be named %s-gateway and so on, but names of Services start with a letter and hold letters, digits and hyphens alone: set fullnameOverride" $full) -}}
{{- end -}}
{{- $full -}}
{{- end -}}

{{/* Labels that select pods: list $root component. A nil component selects the whole release. */}}
{{- define "lensora.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ include "lensora.name" $root }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
{{- with index . 1 }}
app.kubernetes.io/component: {{ . }}
{{- end }}
{{- end -}}

{{/* All labels: list $root component. */}}
{{- define "lensora.labels" -}}
{{- $root := index . 0 -}}
{{ include "lensora.selector" . }}
app.kubernetes.io/version: {{ $root.Values.image.tag | default $root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: lensora
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* Image of a process: list $root process. */}}
{{- define "lensora.image" -}}
{{- $root := index . 0 -}}
{{- $process := index . 1 -}}
{{- $image := printf "lensora-%s" $process -}}
{{- with $root.Values.image.registry -}}
{{- $image = printf "%s/%s" (trimSuffix "/" .) $image -}}
{{- end -}}
{{- with get ($root.Values.image.digests | default dict) $process -}}
{{- printf "%s@%s" $image . -}}
{{- else -}}
{{- printf "%s:%s" $image ($root.Values.image.tag | default $root.Chart.AppVersion) -}}
{{- end -}}
{{- end -}}

{{/* Name of the Secret that holds the URL signing keys. */}}
{{- define "lensora.signingSecret" -}}
{{- .Values.secrets.existingSecret | default (printf "%s-signing" (include "lensora.fullname" .)) -}}
{{- end -}}

{{/* Name of the Secret with the certificate of calls between processes. */}}
{{- define "lensora.rpcTlsSecret" -}}
{{- .Values.rpc.tls.existingSecret | default (printf "%s-rpc-tls" (include "lensora.fullname" .)) -}}
{{- end -}}

{{/* Port on which a stage answers the kubelet, which has no certificate. */}}
{{- define "lensora.healthPort" -}}
{{- ternary "50061" "50051" .Values.rpc.tls.enabled -}}
{{- end -}}

{{/* Name of the Secret that holds the built-in Redis's password. */}}
{{- define "lensora.redisSecret" -}}
{{- .Values.redis.builtin.existingSecret | default (printf "%s-redis-auth" (include "lensora.fullname" .)) -}}
{{- end -}}

{{- define "lensora.artifactsClaim" -}}
{{- .Values.artifacts.pvc.existingClaim | default (printf "%s-artifacts" (include "lensora.fullname" .)) -}}
{{- end -}}

{{- define "lensora.modelsClaim" -}}
{{- .Values.models.persistence.existingClaim | default (printf "%s-models" (include "lensora.fullname" .)) -}}
{{- end -}}

{{- define "lensora.artifactsUrl" -}}
{{- if eq .Values.artifacts.type "s3" -}}
{{- printf "s3://%s/%s" .Values.artifacts.s3.bucket .Values.artifacts.s3.prefix | trimSuffix "/" -}}
{{- else -}}
file:///var/lib/lensora/artifacts
{{- end -}}
{{- end -}}

{{/* IP families of a Service. */}}
{{- define "lensora.families" -}}
{{- if and (eq (.Values.services.ipFamilyPolicy | default "") "SingleStack") (gt (len (.Values.services.ipFamilies | default list)) 1) -}}
{{- fail "services.ipFamilyPolicy is SingleStack, and services.ipFamilies names two: take one of them, or PreferDualStack or RequireDualStack" -}}
{{- end -}}
{{- with .Values.services.ipFamilyPolicy }}
ipFamilyPolicy: {{ . }}
{{- end }}
{{- with .Values.services.ipFamilies }}
ipFamilies: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/*
PodDisruptionBudget: list $root component values. None for pods that must share a node: they move all at once or not at all, and a
budget would keep the last ones on a node that is drained.
*/}}
{{- define "lensora.pdb" -}}
{{- $root := index . 0 -}}
{{- $component := index . 1 -}}
{{- with (index . 2).podDisruptionBudget }}
{{- if and .enabled (not (has $component (include "lensora.oneNode" $root | fromJsonArray))) }}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ include "lensora.fullname" $root }}-{{ $component }}
  labels: {{- include "lensora.labels" (list $root $component) | nindent 4 }}
spec:
  maxUnavailable: {{ .maxUnavailable }}
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels: {{- include "lensora.selector" (list $root $component) | nindent 6 }}
{{- end }}
{{- end }}
{{- end -}}

{{/* Refuses an autoscaler whose least pods are more than its most: list component's-values'-path autoscaling. */}}
{{- define "lensora.replicasFit" -}}
{{- $least := int (index . 1).minReplicas -}}
{{- $most := int (index . 1).maxReplicas -}}
{{- if gt $least $most -}}
{{- fail (printf "%s.autoscaling.minReplicas is %d, which is more than its maxReplicas, %d" (index . 0) $least $most) -}}
{{- end -}}
{{- end -}}

{{/* HorizontalPodAutoscaler on CPU or on a metric of the pods: list $root component values metric-name target-kind. */}}
{{- define "lensora.hpa" -}}
{{- $root := index . 0 -}}
{{- $component := index . 1 -}}
{{- $name := printf "%s-%s" (include "lensora.fullname" $root) $component -}}
{{- $metric := index . 3 -}}
{{- $path := ternary (printf "stages.%s" $component) (replace "triton-" "triton.pools." $component) (hasKey $root.Values.stages $component) -}}
{{- with (index . 2).autoscaling }}
{{- if .enabled }}
{{- include "lensora.replicasFit" (list $path .) }}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: {{ $name }}
  labels: {{- include "lensora.labels" (list $root $component) | nindent 4 }}
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: {{ $name }}
  minReplicas: {{ .minReplicas }}
  maxReplicas: {{ .maxReplicas }}
  metrics:
    {{- if eq .metric "cpu" }}
    - type: Resource
      resource:
        name: cpu
        target: {type: Utilization, averageUtilization: {{ .target }}}
    {{- else }}
    - type: Pods
      pods:
        metric: {name: {{ $metric }}}
        target: {type: AverageValue, averageValue: {{ .target | quote }}}
    {{- end }}
  behavior:
    {{- include "lensora.scaleDown" $root | nindent 4 }}
{{- end }}
{{- end }}
{{- end -}}

{{/* How an autoscaler takes pods away: root. */}}
{{- define "lensora.scaleDown" -}}
scaleDown:
  stabilizationWindowSeconds: {{ .Values.scaleDown.stabilizationSeconds }}
  selectPolicy: Max
  policies:
    - {type: Pods, value: {{ .Values.scaleDown.pods }}, periodSeconds: 60}
    - {type: Percent, value: {{ .Values.scaleDown.percent }}, periodSeconds: 60}
{{- end -}}
