{{- define "lensora.redisConf" -}}
# Jobs, credits and the ledger: every write is on disk before it is acknowledged, and nothing is evicted.
bind * -::*
dir /data
appendonly yes
appendfsync always
save ""
maxmemory-policy noeviction
tcp-keepalive 60
timeout 0
protected-mode no
aclfile /etc/redis/acl/users.acl
{{ end -}}

{{/*
What Redis's data may take, as a line of its configuration: a share of the container's limit. Without it a full Redis would be
killed by the kernel, again at every start. It is in no checksum: it follows the limit, whose change restarts the pod.
*/}}
{{- define "lensora.redisMemory" -}}
{{- with dig "limits" "memory" "" (.Values.redis.builtin.resources | default dict) }}
maxmemory {{ mulf (include "lensora.bytes" . | float64) $.Values.redis.builtin.maxMemoryPercent 0.01 | floor | int64 }}
{{ end -}}
{{- end -}}

{{/*
Whose keys the user of users.acl may reach, which Redis reads at its start alone: a changed prefix restarts it. The default adds
nothing, so that an upgrade leaves Redis alone. A Secret of one's own holds what one writes there.
*/}}
{{- define "lensora.redisKeys" -}}
{{- if and (ne .Values.redis.prefix "lensora") (not .Values.redis.builtin.existingSecret) -}}
{{ .Values.redis.prefix }}
{{- end -}}
{{- end -}}

{{/* A quantity of Kubernetes (1Gi, 500M) in bytes. */}}
{{- define "lensora.bytes" -}}
{{- $unit := regexFind "[A-Za-z]*$" (toString .) -}}
{{- $factors := dict "Ki" 1024 "Mi" 1048576 "Gi" 1073741824 "Ti" 1099511627776 "k" 1000 "M" 1000000 "G" 1000000000 "T" 1000000000000 -}}
{{- $number := toString . | trimSuffix $unit | float64 -}}
{{- printf "%.0f" (mulf $number (get $factors $unit | default 1)) -}}
{{- end -}}
