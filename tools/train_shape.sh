#!/usr/bin/env bash
# Trains the shape network for MINUTES, or goes on training it. docs/training.md
#   DATA     a folder of GLBs beside the made objects (optional)
#   START    an exported network to go on from where there is no checkpoint, such as the shipped one (optional)
#   FORMS    how often each mesh is drawn again in other proportions, while training goes on (default 20)
#   SHAPE    everything that is kept: environment, pictures, checkpoint, logs (default ~/.cache/lensora/shape)
set -euo pipefail
minutes=${MINUTES:-60} data=${DATA:-} shape=${SHAPE:-$HOME/.cache/lensora/shape}
made=${MADE:-600} views=${VIEWS:-12} forms=${FORMS:-20}
pretrained="${LENSORA_MODELS_DIR:-$HOME/.cache/lensora/models}/efficientnet-lite0.onnx"
cd "$(dirname "$0")/.."
refuse() { echo "$1" >&2; exit 2; }
[ -z "$data" ] || compgen -G "$data/*.glb" > /dev/null || refuse "DATA=$data: no folder with .glb files in it"
if [ ! -e "$shape/run/checkpoint.pt" ]; then
  [ -z "${START:-}" ] || [ -f "$START" ] || refuse "START=$START: no such file"
  [ -n "${START:-}" ] || [ -f "$pretrained" ] ||
    refuse "$pretrained is not there, and a first run begins from it: make setup fetches it"
fi
mkdir -p "$shape/data" "$shape/run"
python="$shape/venv/bin/python"
if [ ! -e "$shape/venv/whole" ]; then # an installation that broke off is begun again
  echo "Installing PyTorch and what training needs into $shape/venv: some minutes, once" >&2
  python3 -m venv "$shape/venv"
  "$shape/venv/bin/pip" install -q -e ".[training]"
  touch "$shape/venv/whole"
fi
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 LP_NUM_THREADS=1
export ORT_DISABLE_TELEMETRY=1 # onnxruntime, which reads the exported network, tells its makers of each process
draw() {
  nice -n 10 "$python" -m training.shards --out "$shape/data" --views "$views" "$@" >> "$shape/shards.log" 2>&1 || {
    echo "drawing broke off ($*): $(tail -n 1 "$shape/shards.log")" >&2
    return 1
  }
}
children=()
set -m # each job is a process group, so that none is left behind
draw --seeds "0:$made" & children+=($!)
draw --seeds 900000:900060 --views 3 & children+=($!)
draw_meshes() {
  draw --meshes "$data"
  for ((again = 1; again <= forms; again++)); do draw --meshes "$data" --again "$again" --spread 0.2; done
}
if [ -n "$data" ]; then draw_meshes & children+=($!); fi
set +m
stop() {
  for child in "${children[@]}"; do kill -- "-$child" 2> /dev/null || true; done
}
trap stop EXIT
until compgen -G "$shape/data/train/*/views.json" > /dev/null; do
  kill -0 "${children[@]}" 2> /dev/null || refuse "nothing could be drawn: $shape/shards.log says why"
  sleep 2
done
set -m
"$python" -m training.train --data "$shape/data" --out "$shape/run" --minutes "$minutes" --pretrained "$pretrained" \
  ${START:+--start "$START"} ${WORKERS:+--workers "$WORKERS"} ${COMPILE:+--compile} & children+=($!)
set +m
wait "$!"
"$python" -m training.plot "$shape/run/log.csv" "$shape/run/log.svg"
"$python" -m training.export --checkpoint "$shape/run/checkpoint.pt" --out "$shape/run/lensora-shape.onnx"
