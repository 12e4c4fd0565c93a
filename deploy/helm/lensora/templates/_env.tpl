{{/* Settings that every process has, as ConfigMap data. */}}
{{- define "lensora.settings.common" -}}
LENSORA_LOG_FORMAT: {{ .Values.log.format | quote }}
LENSORA_LOG_LEVEL: {{ .Values.log.level | quote }}
LENSORA_METRICS_HOST: "::"
LENSORA_METRICS_PORT: "9090"
LENSORA_OTLP_ENDPOINT: {{ .Values.tracing.otlpEndpoint | quote }}
LENSORA_ARTIFACTS_URL: {{ include "lensora.artifactsUrl" . | quote }}
{{- if eq .Values.artifacts.type "s3" }}
{{- with .Values.artifacts.s3.region }}
AWS_REGION: {{ . | quote }}
{{- end }}
{{- with .Values.artifacts.s3.endpoint }}
AWS_ENDPOINT_URL: {{ . | quote }}
{{- end }}
{{- end }}
{{- if .Values.rpc.tls.enabled }}
LENSORA_RPC_TLS_DIR: /etc/lensora/rpc-tls
{{- end }}
HOME: /tmp
{{- end -}}

{{/* ConfigMap data with an operator's own settings laid over the chart's, each name once: list yaml env. */}}
{{- define "lensora.laidOver" -}}
{{- mergeOverwrite (index . 0 | fromYaml) (index . 1 | default dict) | toYaml -}}
{{- end -}}

{{/* Refuses times of a process's end that its pod's grace period is not reckoned from: list component's-values'-path env. */}}
{{- define "lensora.withinGrace" -}}
{{- $times := dict "LENSORA_DRAIN_SECONDS" "drainSeconds" -}}
{{- if eq (index . 0) "gateway" -}}
{{- $_ := set $times "LENSORA_DRAIN_NOTICE_SECONDS" "preStopSeconds" -}}
{{- end -}}
{{- range $name, $value := $times -}}
{{- if hasKey (index $ 1 | default dict) $name -}}
{{- fail (printf "%s.env.%s would not lengthen the pod's grace: set %s.%s" (index $ 0) $name (index $ 0) $value) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Target of a stage for clients that spread calls over the addresses of its headless Service: list $root stage. */}}
{{- define "lensora.stageTarget" -}}
{{- $root := index . 0 -}}
{{- printf "dns:///%s-%s.%s.svc:50051" (include "lensora.fullname" $root) (index . 1) $root.Release.Namespace -}}
{{- end -}}

{{/* Environment entries that come from Secrets, for processes that call each other and read and write artifacts. */}}
{{- define "lensora.env.artifacts" -}}
{{- include "lensora.env.rpc" . }}
{{- if eq .Values.artifacts.type "s3" }}
{{- with .Values.artifacts.s3.existingSecret }}
- name: AWS_ACCESS_KEY_ID
  valueFrom:
    secretKeyRef: {name: {{ . }}, key: AWS_ACCESS_KEY_ID}
- name: AWS_SECRET_ACCESS_KEY
  valueFrom:
    secretKeyRef: {name: {{ . }}, key: AWS_SECRET_ACCESS_KEY}
{{- end }}
{{- end }}
{{- end -}}

{{/* Environment entries for processes that talk to Redis. */}}
{{- define "lensora.env.redis" -}}
{{- if eq .Values.redis.mode "builtin" }}
- name: REDIS_PASSWORD
  valueFrom:
    secretKeyRef: {name: {{ include "lensora.redisSecret" . }}, key: redis-password}
- name: LENSORA_REDIS_URL
  value: redis://lensora:$(REDIS_PASSWORD)@{{ include "lensora.fullname" . }}-redis.{{ .Release.Namespace }}.svc:6379/0
{{- else }}
- name: LENSORA_REDIS_URL
  valueFrom:
    secretKeyRef: {name: {{ .Values.redis.external.existingSecret }}, key: url}
{{- end }}
{{- end -}}

{{- define "lensora.env.signing" -}}
- name: LENSORA_URL_SIGNING_KEYS
  valueFrom:
    secretKeyRef: {name: {{ include "lensora.signingSecret" . }}, key: url-signing-keys}
{{- end -}}

{{/* Tokens of calls between processes, where there are any. */}}
{{- define "lensora.env.rpc" -}}
{{- with .Values.rpc.tokensSecret }}
- name: LENSORA_RPC_TOKENS
  valueFrom:
    secretKeyRef: {name: {{ . }}, key: rpc-tokens}
{{- end }}
{{- end -}}

{{/* Volumes of a process: a writable /tmp, its certificate for calls, and the artifact volume where artifacts lie on one. */}}
{{- define "lensora.volumes" -}}
- name: tmp
  emptyDir: {}
{{- if .Values.rpc.tls.enabled }}
- name: rpc-tls
  secret:
    secretName: {{ include "lensora.rpcTlsSecret" . }}
{{- end }}
{{- if eq .Values.artifacts.type "pvc" }}
- name: artifacts
  persistentVolumeClaim:
    claimName: {{ include "lensora.artifactsClaim" . }}
{{- end }}
{{- end -}}

{{- define "lensora.volumeMounts" -}}
- name: tmp
  mountPath: /tmp
{{- if .Values.rpc.tls.enabled }}
- name: rpc-tls
  mountPath: /etc/lensora/rpc-tls
  readOnly: true
{{- end }}
{{- if eq .Values.artifacts.type "pvc" }}
- name: artifacts
  mountPath: /var/lib/lensora/artifacts
{{- end }}
{{- end -}}

{{- define "lensora.redisVolumes" -}}
{{- if and (eq .Values.redis.mode "external") .Values.redis.external.caSecret }}
- name: redis-ca
  secret:
    secretName: {{ .Values.redis.external.caSecret }}
    items: [{key: ca.crt, path: ca.crt}]
{{- end }}
{{- end -}}

{{- define "lensora.redisVolumeMounts" -}}
{{- if and (eq .Values.redis.mode "external") .Values.redis.external.caSecret }}
- name: redis-ca
  mountPath: /etc/lensora/redis-ca
  readOnly: true
{{- end }}
{{- end -}}

{{/* Metrics and probes of a process whose only port is the metrics port. */}}
{{- define "lensora.metricsPort" -}}
- name: metrics
  containerPort: 9090
{{- end -}}
