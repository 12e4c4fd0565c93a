#!/usr/bin/env bash
# A cluster on this machine with Lensora Studio in it: builds the images, makes a cluster with kind or k3d, loads, installs, runs
# `helm test`, opens a port and prints the first request. It needs Docker (or Podman's docker command), kind or k3d, kubectl, helm,
# and npm for the first build.
#
#   deploy/kind/up.sh          set up, or bring up to date what is there
#   deploy/kind/up.sh down     delete the cluster
#
# PORT is where the API answers (8000), VERSION the images' tag, SKIP_BUILD=1 takes the images that are there.
set -euo pipefail
cd "$(dirname "$0")/../.."

cluster=lensora
namespace=studio
port=${PORT:-8000}
version=${VERSION:-0.1.0}
targets=(gateway worker detect segment mesh render models)

say() { printf '\033[1m==>\033[0m %s\n' "$*" >&2; }
cannot() {
  printf 'kind-up: %s\n' "$*" >&2
  printf 'kind-up: what the chart does without a cluster is proven by: make test ARGS=tests/e2e/helm\n' >&2
  exit 1
}

command -v docker >/dev/null 2>&1 || cannot "Docker is not installed; images are built with it and nodes are its containers"
reason=$(docker info 2>&1 >/dev/null) || cannot "Docker does not answer: ${reason##*$'\n'}"
if command -v kind >/dev/null 2>&1; then
  maker=kind
elif command -v k3d >/dev/null 2>&1; then
  maker=k3d
else
  cannot "neither kind nor k3d is installed: https://kind.sigs.k8s.io or https://k3d.io"
fi
for program in kubectl helm; do
  command -v "$program" >/dev/null 2>&1 || cannot "$program is not installed"
done

exists() {
  case $maker in
    kind) kind get clusters 2>/dev/null | grep -qx "$cluster" ;;
    k3d) k3d cluster list "$cluster" >/dev/null 2>&1 ;;
  esac
}

if [ "${1:-up}" = down ]; then
  case $maker in
    kind) kind delete cluster --name "$cluster" ;;
    k3d) k3d cluster delete "$cluster" ;;
  esac
  exit
fi

if [ "${SKIP_BUILD:-}" != 1 ]; then
  say "Fetching what the pages in the browser are made of; a clean checkout does not hold it"
  python3 tools/node_packages.py --pages
  say "Building ${#targets[@]} images"
  for target in "${targets[@]}"; do
    docker build --quiet --file deploy/Dockerfile --target "$target" --build-arg "VERSION=$version" \
      --tag "lensora-$target:$version" .
  done
fi

if exists; then
  say "The cluster $cluster is there"
else
  say "Making the cluster $cluster with $maker"
  case $maker in
    kind) kind create cluster --name "$cluster" --wait 120s ;;
    k3d) k3d cluster create "$cluster" --wait ;;
  esac
fi
context=$([ "$maker" = kind ] && echo "kind-$cluster" || echo "k3d-$cluster")

say "Loading the images into the cluster"
images=("${targets[@]/#/lensora-}")
images=("${images[@]/%/:$version}")
case $maker in
  kind) kind load docker-image --name "$cluster" "${images[@]}" ;;
  k3d) k3d image import --cluster "$cluster" "${images[@]}" ;;
esac

say "Installing the chart; the first time the weights are fetched, which takes minutes"
helm upgrade --install studio deploy/helm/lensora --kube-context "$context" --namespace "$namespace" --create-namespace \
  --values deploy/helm/lensora/examples/single-node-cpu.yaml \
  --set image.registry= --set "image.tag=$version" --set "publicUrl=http://127.0.0.1:$port" --wait --timeout 20m

say "Running one job through it"
helm test studio --kube-context "$context" --namespace "$namespace" --timeout 15m

kube() { kubectl --context "$context" --namespace "$namespace" "$@"; }
kube exec deploy/studio-lensora-gateway -- python -m gateway.admin credits grant 800 --account first >/dev/null
key=$(kube exec deploy/studio-lensora-gateway -- python -m gateway.admin keys create --account first)

cat <<END
The API answers at http://127.0.0.1:$port as long as this runs. A first request, from another terminal:

  curl -s http://127.0.0.1:$port/v1/studio/init -H "Authorization: Bearer $key" -F image=@photo.jpg

END
exec kubectl --context "$context" --namespace "$namespace" port-forward svc/studio-lensora-gateway "$port:8000"
