{{/* What the job for weights does and where: its name changes with it, because a finished Job cannot be changed. */}}
{{- define "lensora.modelsPod" -}}
{{- $ := . -}}
{{- with .Values.models -}}
metadata:
  {{- include "lensora.podMetadata" (list $ "models" .pull) | nindent 2 }}
spec:
  {{- include "lensora.pod" (list $ "models" .pull "alone") | nindent 2 }}
  restartPolicy: OnFailure
  {{- with include "lensora.extra" (list $ .pull "extraInitContainers") }}
  initContainers: {{- . | nindent 4 }}
  {{- end }}
  containers:
    - name: pull
      image: {{ include "lensora.image" (list $ "models") }}
      imagePullPolicy: {{ $.Values.image.pullPolicy }}
      command: {{ toJson (list "python" "-m" "lensora.cli.main" "models" "pull" "--profile" .profile) }}
      env:
        - {name: LENSORA_MODELS_DIR, value: /var/lib/lensora/models}
        - {name: LENSORA_LICENSE_POLICY, value: {{ $.Values.licensePolicy }}}
        - {name: HOME, value: /tmp}
        {{- range $key, $value := .pull.env }}
        - {name: {{ $key }}, value: {{ $value | quote }}}
        {{- end }}
        {{- with include "lensora.extra" (list $ .pull "extraEnv") }}
        {{- . | nindent 8 }}
        {{- end }}
      resources: {{- include "lensora.resources" .pull | nindent 8 }}
      securityContext: {{- include "lensora.containerSecurity" (list $ .pull) | nindent 8 }}
      volumeMounts:
        - name: tmp
          mountPath: /tmp
        - name: models
          mountPath: /var/lib/lensora/models
        {{- with include "lensora.extra" (list $ .pull "extraVolumeMounts") }}
        {{- . | nindent 8 }}
        {{- end }}
  volumes:
    - name: tmp
      emptyDir: {}
    - name: models
      persistentVolumeClaim:
        claimName: {{ include "lensora.modelsClaim" $ }}
    {{- with include "lensora.extra" (list $ .pull "extraVolumes") }}
    {{- . | nindent 4 }}
    {{- end }}
{{- end }}
{{- end -}}
