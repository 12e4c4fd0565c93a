{{/* Settings that the HTTP process and the worker share, as ConfigMap data. */}}
{{- define "lensora.settings.gateway" -}}
{{ include "lensora.settings.common" . }}
LENSORA_PUBLIC_URL: {{ .Values.publicUrl | quote }}
LENSORA_REDIS_PREFIX: {{ .Values.redis.prefix | quote }}
LENSORA_SESSION_HOURS: {{ .Values.retention.sessionHours | quote }}
LENSORA_JOB_HOURS: {{ .Values.retention.jobHours | quote }}
LENSORA_JOB_DEADLINE_SECONDS: {{ .Values.jobDeadlineSeconds | quote }}
{{- end -}}

{{- define "lensora.settings.http" -}}
{{ include "lensora.settings.gateway" . }}
LENSORA_HOST: "::"
LENSORA_PORT: "8000"
{{- range $stage, $_ := .Values.stages }}
{{ printf "LENSORA_%s_TARGET" (upper $stage) }}: {{ include "lensora.stageTarget" (list $ $stage) | quote }}
{{- end }}
LENSORA_DRAIN_SECONDS: {{ .Values.gateway.drainSeconds | quote }}
{{- range $key, $value := .Values.gateway.env }}
{{ $key }}: {{ $value | quote }}
{{- end }}
{{- end -}}

{{- define "lensora.settings.worker" -}}
{{ include "lensora.settings.gateway" . }}
LENSORA_WORKER_JOBS: {{ .Values.worker.jobs | quote }}
LENSORA_WORKER_ALIVE_FILE: /tmp/worker-alive
LENSORA_DRAIN_SECONDS: {{ .Values.worker.drainSeconds | quote }}
{{- range $stage := list "segment" "mesh" "render" }}
{{ printf "LENSORA_%s_TARGET" (upper $stage) }}: {{ include "lensora.stageTarget" (list $ $stage) | quote }}
{{- end }}
{{- range $key, $value := .Values.worker.env }}
{{ $key }}: {{ $value | quote }}
{{- end }}
{{- end -}}
