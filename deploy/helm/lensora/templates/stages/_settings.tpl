{{/* Settings of a stage's process as ConfigMap data: list $root stage values. */}}
{{- define "lensora.stageSettings" -}}
{{- include "lensora.withinGrace" (list (printf "stages.%s" (index . 1)) (index . 2).env) -}}
{{- $settings := include "lensora.laidOver" (list (include "lensora.stageSettings.chart" .) (index . 2).env) -}}
{{- include "lensora.gpuUsed" (list (index . 1) (index . 2) ($settings | fromYaml)) -}}
{{- $settings -}}
{{- end -}}

{{/* Refuses a GPU whose stage runs its neural nets elsewhere; render draws on it: list stage values settings. */}}
{{- define "lensora.gpuUsed" -}}
{{- $stage := index . 0 -}}
{{- $settings := index . 2 -}}
{{- if and (ne $stage "render") ((index . 1).gpu | default dict).enabled -}}
{{- if eq $settings.LENSORA_INFERENCE "triton" -}}
{{- fail (printf "stages.%s.gpu.enabled asks for a GPU that inference triton leaves unused: Triton has those of its pool's gpu" $stage) -}}
{{- else if ne $settings.LENSORA_DEVICE "cuda" -}}
{{- fail (printf "stages.%s.gpu.enabled asks for a GPU that device %s leaves unused: set stages.%s.device to cuda" $stage $settings.LENSORA_DEVICE $stage) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "lensora.stageSettings.chart" -}}
{{- $root := index . 0 -}}
{{- $stage := index . 1 -}}
{{- $values := index . 2 -}}
{{ include "lensora.settings.common" $root }}
LENSORA_HOST: "::"
LENSORA_PORT: "50051"
{{- if $root.Values.rpc.tls.enabled }}
LENSORA_HEALTH_PORT: {{ include "lensora.healthPort" $root | quote }}
{{- end }}
LENSORA_WORKERS: {{ $values.workers | quote }}
LENSORA_MAX_WAITING: {{ $values.maxWaiting | quote }}
LENSORA_DRAIN_SECONDS: {{ $values.drainSeconds | quote }}
{{- if or (has $stage (list "detect" "segment")) (eq $values.inference "triton") }}
LENSORA_MODELS_DIR: /var/lib/lensora/models
{{- end }}
{{- if ne $stage "render" }}
LENSORA_LICENSE_POLICY: {{ $root.Values.licensePolicy | quote }}
LENSORA_INFERENCE: {{ $values.inference | quote }}
LENSORA_DEVICE: {{ $values.device | quote }}
{{- if eq $values.inference "triton" }}
LENSORA_TRITON_TARGET: {{ include "lensora.tritonTarget" (list $root $stage $values.tritonPool) | quote }}
{{- end }}
{{- end }}
{{- if and (eq $stage "render") ($values.gpu | default dict).enabled }}
LENSORA_RENDER_DEVICE: gpu
NVIDIA_DRIVER_CAPABILITIES: graphics,compute,utility,video
{{- end }}
{{- end -}}

{{/* host:port of a Triton pool's gRPC endpoint: list $root stage pool. */}}
{{- define "lensora.tritonTarget" -}}
{{- $root := index . 0 -}}
{{- $pool := index . 2 -}}
{{- if not (hasKey ($root.Values.triton.pools | default dict) $pool) -}}
{{- fail (printf "stages.%s.tritonPool is %q, which is no key of triton.pools" (index . 1) $pool) -}}
{{- end -}}
{{- printf "dns:///%s-triton-%s.%s.svc:8001" (include "lensora.fullname" $root) $pool $root.Release.Namespace -}}
{{- end -}}

{{/* Does the stage read weights from the models volume? list stage values. */}}
{{- define "lensora.readsModels" -}}
{{- if and (has (index . 0) (list "detect" "segment")) (ne (index . 1).inference "triton") -}}true{{- end -}}
{{- end -}}
