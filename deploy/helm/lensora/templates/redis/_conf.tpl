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
