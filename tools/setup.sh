#!/usr/bin/env bash
# Brings a fresh Debian or Ubuntu machine to where Lensora runs: system libraries, a virtual environment, weights.
#
#   tools/setup.sh run    what `make demo` and `make up` need
#   tools/setup.sh test   also what `make test`, `make lint` and the benches need
#
# It says what it is about to install. Without root (or sudo that asks no password) it prints the exact command and stops.
set -euo pipefail
cd "$(dirname "$0")/.."
# Debian's users have no sbin on their PATH: without ldconfig every library would be taken for missing.
PATH=$PATH:/usr/sbin:/sbin

profile=${1:-run}
venv=${VENV:-.venv}

say() { printf '\033[1m==>\033[0m %s\n' "$*" >&2; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }

suits() {
  command -v "$1" >/dev/null 2>&1 &&
    "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null
}

find_python() {
  local candidate
  for candidate in "${PYTHON:-}" python3.13 python3.12 python3.11 python3; do
    if [ -n "$candidate" ] && suits "$candidate"; then
      printf '%s' "$candidate"
      return
    fi
  done
}

newer_server() {
  local program
  for program in valkey-server redis-server; do
    program=$(PATH=/usr/local/bin:/usr/bin:/usr/local/sbin:/usr/sbin command -v "$program") || continue
    "$program" --version | grep -Eq ' server v=([7-9]|[1-9][0-9])\.' && return 0
  done
  return 1
}

# Debian starts a server's service when it installs it, unless this file says no (see invoke-rc.d); ours go without.
without_services() {
  local policy=/usr/sbin/policy-rc.d
  if [ -e "$policy" ]; then
    "$@"
    return
  fi
  printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
  "${as_root[@]}" chmod 755 "$policy"
  local status=0
  "$@" || status=$?
  "${as_root[@]}" rm -f "$policy"
  "${as_root[@]}" systemctl disable --quiet redis-server 2>/dev/null || true
  return "$status"
}

install_system_packages() {
  local wanted=()
  library() { ldconfig -p 2>/dev/null | grep -q "$1" || wanted+=("$2"); }
  library libEGL.so.1 libegl1
  compgen -G '/usr/lib/*/libEGL_mesa.so.0' >/dev/null || ldconfig -p | grep -q libEGL_nvidia || wanted+=(libegl-mesa0)
  compgen -G '/usr/lib/*/dri/swrast_dri.so' >/dev/null || compgen -G '/usr/lib/*/libgallium*.so' >/dev/null ||
    ldconfig -p | grep -q libEGL_nvidia || wanted+=(libgl1-mesa-dri)
  library libGL.so.1 libgl1
  # A job store with security fixes; without it the wheel's Redis of 2023 is used. Its service is not started.
  newer_server || wanted+=(redis-server)
  if [ -n "$python" ]; then
    "$python" -c 'import ensurepip' 2>/dev/null || wanted+=(python3-venv)
  else
    wanted+=(python3 python3-venv)
  fi
  if [ "$profile" = test ]; then
    command -v ffprobe >/dev/null 2>&1 || wanted+=(ffmpeg)
    command -v promtool >/dev/null 2>&1 || wanted+=(prometheus)
    command -v ld >/dev/null 2>&1 || wanted+=(binutils)
    command -v curl >/dev/null 2>&1 || wanted+=(curl)
    command -v chromium >/dev/null 2>&1 || wanted+=(chromium)
  fi
  [ ${#wanted[@]} -gt 0 ] || return 0

  command -v apt-get >/dev/null 2>&1 ||
    fail "these system packages are missing, and this machine has no apt-get to install them with: ${wanted[*]}"
  local command="apt-get install -y --no-install-recommends ${wanted[*]}"
  if [ "$(id -u)" = 0 ]; then
    say "Installing system packages: ${wanted[*]}"
    apt-get update -qq || say "apt-get update failed; going on with the lists that are here"
    as_root=(env)
    without_services env DEBIAN_FRONTEND=noninteractive sh -c "$command" >&2
  elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
    say "Installing system packages with sudo: ${wanted[*]}"
    sudo -n apt-get update -qq || true
    as_root=(sudo -n)
    without_services sudo -n env DEBIAN_FRONTEND=noninteractive sh -c "$command" >&2
  else
    fail "system packages are missing. Run this as root, then start again:  apt-get update && $command"
  fi
}

[ -z "${PYTHON:-}" ] || suits "$PYTHON" || fail "PYTHON=$PYTHON is no Python 3.11, 3.12 or 3.13"
python=$(find_python)
install_system_packages
[ -n "$python" ] || python=$(find_python)
[ -n "$python" ] || fail "Python 3.11, 3.12 or 3.13 is needed; set PYTHON=/path/to/python3.11 if it is not on PATH"

if [ ! -x "$venv/bin/python" ]; then
  say "Making the virtual environment $venv with $("$python" --version)"
  "$python" -m venv "$venv"
fi

extras=server,tools,usd,node,openvino
[ "$profile" = test ] && extras=dev
say "Installing Lensora and its Python packages into $venv (extras: $extras)"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --upgrade pip
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-compile --editable ".[$extras]"
# What pip would compile one file after the other is compiled by all cores while the weights come. A package may hold a file
# that is for another Python: its error is none. Nor is it one that Ctrl-C ends it, which Python tells by a screen of text.
"$venv/bin/python" -m compileall -qq -j 0 -x '/tests/' "$(cd "$venv" && pwd)/lib" 2>/dev/null || true &
compiling=$!

say "Fetching the neural nets' weights (about 110 MB, checksums verified, kept for later)"
"$venv/bin/lensora" models pull

"$venv/bin/python" tools/node_packages.py --pages
if [ "$profile" = test ]; then
  say "Installing the tests' tools: Khronos glTF validator, helm, Triton Inference Server (CPU, with torch for its models)"
  "$venv/bin/python" tools/node_packages.py --validator --client
  "$venv/bin/python" deploy/helm/install_helm.py
  "$venv/bin/python" deploy/triton/install_server.py
fi
wait "$compiling"
say "Ready."
