{{/*
What a component's pods have beside what the chart decides: its own keys laid over podDefaults, as YAML: list $root values.
A map is laid over key by key, and null removes a key; a list that is not empty takes the place of the default's.
*/}}
{{- define "lensora.podValues" -}}
{{- $root := index . 0 -}}
{{- $own := index . 1 | default dict -}}
{{- $defaults := $root.Values.podDefaults | default dict -}}
{{- $merged := dict "priorityClassName" ($own.priorityClassName | default $defaults.priorityClassName | default "") -}}
{{- range $key := list "podSecurityContext" "securityContext" "podLabels" "podAnnotations" "affinity" "nodeSelector" -}}
{{- $map := deepCopy (get $defaults $key | default dict) -}}
{{- if and $root.Values.openshift.enabled (eq $key "podSecurityContext") -}}
{{- $map = omit $map "runAsUser" "runAsGroup" "fsGroup" "fsGroupChangePolicy" -}}
{{- end -}}
{{- range $name, $value := (get $own $key | default dict) -}}
{{- $_ := set $map $name $value -}}
{{- end -}}
{{- range $name, $value := $map -}}
{{- if kindIs "invalid" $value -}}
{{- $map = omit $map $name -}}
{{- end -}}
{{- end -}}
{{- $_ := set $merged $key $map -}}
{{- end -}}
{{- range $key := list "extraEnv" "extraVolumes" "extraVolumeMounts" "extraInitContainers" "topologySpreadConstraints" "tolerations" -}}
{{- $_ := set $merged $key (get $own $key | default (get $defaults $key) | default list) -}}
{{- end -}}
{{- toYaml $merged -}}
{{- end -}}

{{/* Metadata of pods: list $root component values [annotations as a dict]. No version: what did not change does not restart. */}}
{{- define "lensora.podMetadata" -}}
{{- $root := index . 0 -}}
{{- $component := index . 1 -}}
{{- $pod := include "lensora.podValues" (list $root (index . 2)) | fromYaml -}}
{{- $annotations := dict -}}
{{- if gt (len .) 3 -}}
{{- $annotations = index . 3 -}}
{{- end -}}
labels: {{- include "lensora.selector" (list $root $component) | nindent 2 }}
  app.kubernetes.io/part-of: lensora
  {{- with omit $pod.podLabels "app.kubernetes.io/name" "app.kubernetes.io/instance" "app.kubernetes.io/component" "app.kubernetes.io/part-of" }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with merge $annotations $pod.podAnnotations }}
annotations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Components that mount a volume which only one node may mount at a time, as a JSON list. */}}
{{- define "lensora.oneNode" -}}
{{- $components := list -}}
{{- if and (eq .Values.artifacts.type "pvc") (not (has "ReadWriteMany" .Values.artifacts.pvc.accessModes)) -}}
{{- $components = concat $components (list "gateway" "worker") (keys .Values.stages) -}}
{{- end -}}
{{- if not (has "ReadWriteMany" .Values.models.persistence.accessModes) -}}
{{- if .Values.models.pull.enabled -}}
{{- $components = append $components "models" -}}
{{- end -}}
{{- range $stage, $values := .Values.stages -}}
{{- if include "lensora.readsModels" (list $stage $values) -}}
{{- $components = append $components $stage -}}
{{- end -}}
{{- end -}}
{{- range $pool, $_ := .Values.triton.pools -}}
{{- $components = append $components (printf "triton-%s" $pool) -}}
{{- end -}}
{{- end -}}
{{- $components | uniq | sortAlpha | toJson -}}
{{- end -}}

{{/*
Affinity of a component's pods: list $root component affinity. Pods that share a ReadWriteOnce volume go to one node: elsewhere the
volume could not be attached, and they would wait for ever.
*/}}
{{- define "lensora.affinity" -}}
{{- $root := index . 0 -}}
{{- $affinity := deepCopy (index . 2) -}}
{{- $together := include "lensora.oneNode" $root | fromJsonArray -}}
{{- if has (index . 1) $together -}}
{{- $labels := include "lensora.selector" (list $root nil) | fromYaml -}}
{{- $others := dict "key" "app.kubernetes.io/component" "operator" "In" "values" $together -}}
{{- $term := dict "topologyKey" "kubernetes.io/hostname" "labelSelector" (dict "matchLabels" $labels "matchExpressions" (list $others)) -}}
{{- $near := $affinity.podAffinity | default dict -}}
{{- $terms := append ($near.requiredDuringSchedulingIgnoredDuringExecution | default list) $term -}}
{{- $_ := set $near "requiredDuringSchedulingIgnoredDuringExecution" $terms -}}
{{- $_ := set $affinity "podAffinity" $near -}}
{{- end -}}
{{- with $affinity }}{{ toYaml . }}{{ end -}}
{{- end -}}

{{/* For kube-linter, which knows no other way to keep pods apart than anti-affinity: list $root component. */}}
{{- define "lensora.spreadNote" -}}
ignore-check.kube-linter.io/no-anti-affinity: {{ ternary "Pods share a volume that one node may mount." "topologySpreadConstraints keep pods apart." (has (index . 1) (include "lensora.oneNode" (index . 0) | fromJsonArray)) }}
{{- end -}}

{{/* Spread of a component's pods over nodes and zones: list $root component constraints. None where they must share a node. */}}
{{- define "lensora.spread" -}}
{{- $root := index . 0 -}}
{{- $selector := dict "matchLabels" (include "lensora.selector" (list $root (index . 1)) | fromYaml) -}}
{{- $constraints := list -}}
{{- range index . 2 -}}
{{- $constraints = append $constraints (ternary . (merge (dict "labelSelector" $selector) .) (hasKey . "labelSelector")) -}}
{{- else -}}
{{- if not (has (index . 1) (include "lensora.oneNode" $root | fromJsonArray)) -}}
{{- range $key := list "kubernetes.io/hostname" "topology.kubernetes.io/zone" -}}
{{- $each := dict "maxSkew" 1 "topologyKey" $key "whenUnsatisfiable" "ScheduleAnyway" "matchLabelKeys" (list "pod-template-hash") -}}
{{- $constraints = append $constraints (merge $each (dict "labelSelector" $selector)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- with $constraints }}{{ toYaml . }}{{ end -}}
{{- end -}}

{{/* Pod fields that all our pods share: list $root component values, and "alone" for a pod of which there is one. */}}
{{- define "lensora.pod" -}}
{{- $root := index . 0 -}}
{{- $component := index . 1 -}}
{{- $pod := include "lensora.podValues" (list $root (index . 2)) | fromYaml -}}
{{- $account := index (dict "test" "gateway") $component | default $component -}}
serviceAccountName: {{ include "lensora.fullname" $root }}-{{ $account }}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with $root.Values.image.pullSecrets }}
imagePullSecrets:
{{- range . }}
  - name: {{ . }}
{{- end }}
{{- end }}
{{- with $pod.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with $pod.podSecurityContext }}
securityContext: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $pod.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $pod.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with include "lensora.affinity" (list $root $component $pod.affinity) }}
affinity: {{- . | nindent 2 }}
{{- end }}
{{- if lt (len .) 4 }}
{{- with include "lensora.spread" (list $root $component $pod.topologySpreadConstraints) }}
topologySpreadConstraints: {{- . | nindent 2 }}
{{- end }}
{{- end }}
{{- end -}}

{{/* Security context of containers: list $root values. */}}
{{- define "lensora.containerSecurity" -}}
{{- (include "lensora.podValues" . | fromYaml).securityContext | toYaml -}}
{{- end -}}

{{/* Lists that a component adds to its pods, as YAML entries or nothing: list $root values key. */}}
{{- define "lensora.extra" -}}
{{- with get (include "lensora.podValues" . | fromYaml) (index . 2) }}{{ toYaml . }}{{ end -}}
{{- end -}}

{{/* Requests and limits of a component, with its GPUs; nothing where there are none. */}}
{{- define "lensora.resources" -}}
{{- $resources := deepCopy (.resources | default dict) -}}
{{- with .gpu -}}
{{- if .enabled -}}
{{- $_ := set $resources "limits" (set ($resources.limits | default dict) .resourceName .count) -}}
{{- end -}}
{{- end -}}
{{- toYaml $resources -}}
{{- end -}}
