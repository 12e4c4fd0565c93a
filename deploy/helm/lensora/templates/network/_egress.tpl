{{/* To the pods of a component: list $root component port. */}}
{{- define "lensora.egress.component" -}}
- to:
    - podSelector:
        matchLabels: {{- include "lensora.selector" (list (index . 0) (index . 1)) | nindent 10 }}
  ports:
    - port: {{ index . 2 }}
{{- end -}}

{{/* To Redis, and to the sentinels that say which one is the primary. */}}
{{- define "lensora.egress.redis" -}}
{{- $ports := list -}}
{{- if eq .Values.redis.mode "builtin" -}}
{{ include "lensora.egress.component" (list . "redis" 6379) }}
{{- else -}}
- to: {{- toYaml .Values.redis.external.networkPolicyPeers | nindent 4 }}
  ports:
    {{- range concat (list .Values.redis.external.address) (.Values.redis.external.sentinels | default list) }}
    {{- $ports = append $ports (regexFind ":[0-9]+$" . | trimPrefix ":") }}
    {{- end }}
    {{- range $ports | uniq }}
    - port: {{ . }}
    {{- end }}
{{- end -}}
{{- end -}}

{{- define "lensora.egress.artifacts" -}}
{{- if eq .Values.artifacts.type "s3" -}}
- to: {{- toYaml .Values.artifacts.s3.networkPolicyPeers | nindent 4 }}
  ports:
    - port: {{ .Values.artifacts.s3.port }}
{{- end -}}
{{- end -}}

{{/* The public Internet, as far as the guarded fetcher goes: the web's two ports and no private range. */}}
{{- define "lensora.egress.internet" -}}
- to:
    - ipBlock:
        cidr: 0.0.0.0/0
        except: {{- toYaml .Values.networkPolicy.internetExcept | nindent 10 }}
    {{- range .Values.networkPolicy.internetIpv6 }}
    - ipBlock: {{- toYaml . | nindent 8 }}
    {{- end }}
  ports:
    - port: 80
    - port: 443
{{- end -}}
