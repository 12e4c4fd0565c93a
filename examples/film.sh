#!/bin/sh
# One photo to four files: sh film.sh mine.jpg. Needs curl, python3, LENSORA_BASE_URL and LENSORA_API_KEY.
set -eu
: "${1:?say which photo: sh film.sh mine.jpg}"

field() { python3 -c 'import json, sys; print(json.load(sys.stdin)'"$1"')'; }
api() { curl -sS --fail-with-body -H "Authorization: Bearer $LENSORA_API_KEY" "$@"; }

session=$(api -X POST "$LENSORA_BASE_URL/v1/studio/init" -F "image=@$1" | field '["session_id"]')
job=$(api -X POST "$LENSORA_BASE_URL/v1/studio/transform" -H "Content-Type: application/json" \
  -d "{\"session_id\": \"$session\", \"background\": {\"type\": \"remove\"}}" | field '["job_id"]')
while :; do
  state=$(api -H "Prefer: wait=20" "$LENSORA_BASE_URL/v1/studio/result/$job")
  status=$(printf '%s' "$state" | field '["status"]')
  printf '%s  %s%%\n' "$status" "$(printf '%s' "$state" | field '["progress"]')"
  case $status in
    completed) break ;;
    failed | canceled) printf '%s\n' "$state" >&2; exit 1 ;;
  esac
done
mkdir -p out
for file in mp4 glb scene removed_bg; do
  url=$(printf '%s' "$state" | field "[\"output\"][\"${file}_url\"]")
  curl -sS --fail -o "out/${url##*/}" "$url"
done
