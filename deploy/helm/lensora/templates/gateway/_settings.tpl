{{/* Settings that the HTTP process and the worker share, as ConfigMap data. */}}
{{- define "lensora.settings.gateway" -}}
{{ include "lensora.settings.common" . }}
LENSORA_PUBLIC_URL: {{ .Values.publicUrl | quote }}
LENSORA_REDIS_PREFIX: {{ .Values.redis.prefix | quote }}
LENSORA_SESSION_HOURS: {{ .Values.retention.sessionHours | quote }}
LENSORA_JOB_HOURS: {{ .Values.retention.jobHours | quote }}
LENSORA_JOB_DEADLINE_SECONDS: {{ .Values.jobDeadlineSeconds | quote }}
{{- end -}}

{{/* Refuses settings that the pods take from Secrets whatever env says: list component env. */}}
{{- define "lensora.notIgnored" -}}
{{- range $name, $value := dict "LENSORA_REDIS_URL" "redis.external.existingSecret" "LENSORA_URL_SIGNING_KEYS" "secrets.existingSecret" -}}
{{- if hasKey (index $ 1 | default dict) $name -}}
{{- fail (printf "%s.env.%s would be ignored: pods take it from a Secret, yours by %s" (index $ 0) $name $value) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "lensora.settings.http" -}}
{{- include "lensora.notIgnored" (list "gateway" .Values.gateway.env) -}}
{{- include "lensora.withinGrace" (list "gateway" .Values.gateway.env) -}}
{{- include "lensora.laidOver" (list (include "lensora.settings.http.chart" .) .Values.gateway.env) -}}
{{- end -}}

{{- define "lensora.settings.worker" -}}
{{- include "lensora.notIgnored" (list "worker" .Values.worker.env) -}}
{{- include "lensora.withinGrace" (list "worker" .Values.worker.env) -}}
{{- include "lensora.laidOver" (list (include "lensora.settings.worker.chart" .) .Values.worker.env) -}}
{{- end -}}

{{- define "lensora.settings.http.chart" -}}
{{ include "lensora.settings.gateway" . }}
LENSORA_HOST: "::"
LENSORA_PORT: "8000"
{{- range $stage, $_ := .Values.stages }}
{{ printf "LENSORA_%s_TARGET" (upper $stage) }}: {{ include "lensora.stageTarget" (list $ $stage) | quote }}
{{- end }}
LENSORA_DRAIN_SECONDS: {{ .Values.gateway.drainSeconds | quote }}
LENSORA_CONNECTIONS: {{ .Values.gateway.connections | int64 | quote }}
LENSORA_CONNECTIONS_PER_ADDRESS: {{ .Values.gateway.connectionsPerAddress | default .Values.gateway.connections | int64 | quote }}
{{- end -}}

{{- define "lensora.settings.worker.chart" -}}
{{ include "lensora.settings.gateway" . }}
LENSORA_WORKER_JOBS: {{ .Values.worker.jobs | quote }}
LENSORA_WORKER_ALIVE_FILE: /tmp/worker-alive
LENSORA_DRAIN_SECONDS: {{ .Values.worker.drainSeconds | quote }}
{{- range $stage := list "segment" "mesh" "render" }}
{{ printf "LENSORA_%s_TARGET" (upper $stage) }}: {{ include "lensora.stageTarget" (list $ $stage) | quote }}
{{- end }}
{{- end -}}
