#!/usr/bin/env bash
# Provide the four public base images that the Dockerfiles and the compose file use, on a machine that cannot reach an
# image registry: each is pulled if possible, and otherwise built from Debian's packages under the same name.
# Run as root with a running engine and debootstrap (see docker/ci/engine.sh). FORCE_BUILD=1 builds without trying to pull.
set -euo pipefail
cd "$(dirname "$0")"

arch=$(dpkg --print-architecture)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Behind an inspecting proxy the machine trusts additional certificates; builds must trust them too.
trust_machine() {
  cp /etc/ssl/certs/ca-certificates.crt "$work/ca-certificates.crt"
  cat <<'DOCKERFILE'
COPY ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt PIP_CERT=/etc/ssl/certs/ca-certificates.crt
DOCKERFILE
}

make_debian() {
  debootstrap --arch="$arch" --variant=minbase --include=ca-certificates bookworm "$work/root" >"$work/log" 2>&1 \
    || { tail -20 "$work/log" >&2; return 1; }
  rm -rf "$work"/root/var/cache/apt/* "$work"/root/var/lib/apt/lists/* "$work"/root/usr/share/{doc,man,locale,info}/*
  tar -C "$work/root" -c . | docker import -c 'CMD ["bash"]' - debian:bookworm-slim >/dev/null
  rm -rf "$work/root"
}

make_python() {
  { echo "FROM debian:bookworm-slim"; trust_machine; cat <<'DOCKERFILE'; } >"$work/Dockerfile"
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends python3 python3-venv \
 && ln -s /usr/bin/python3 /usr/local/bin/python && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /usr/share/doc/*
CMD ["python3"]
DOCKERFILE
  docker build -q -t python:3.11-slim-bookworm "$work" >/dev/null
}

make_golang() {
  mkdir "$work/go" && cp -r "$(go env GOROOT)"/{bin,pkg,src,lib,go.env,VERSION} "$work/go/"
  { echo "FROM debian:bookworm-slim"; trust_machine; cat <<'DOCKERFILE'; } >"$work/Dockerfile"
COPY go /usr/local/go
ENV GOPATH=/go GOTOOLCHAIN=local PATH=/go/bin:/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
WORKDIR /go
DOCKERFILE
  docker build -q -t golang:1.26-bookworm "$work" >/dev/null
  rm -rf "$work/go"
}

make_postgres() {
  cp postgres/docker-entrypoint.sh "$work/"
  { echo "FROM debian:bookworm-slim"; cat <<'DOCKERFILE'; } >"$work/Dockerfile"
RUN groupadd -r -g 999 postgres && useradd -r -g postgres -u 999 -d /var/lib/postgresql -s /bin/bash postgres \
 && apt-get update -qq && apt-get install -y -qq --no-install-recommends postgresql-common \
 && sed -ri 's/#?(create_main_cluster) .*/\1 = false/' /etc/postgresql-common/createcluster.conf \
 && apt-get install -y -qq --no-install-recommends postgresql-15 \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /usr/share/doc/* \
 && install -d -o postgres -g postgres -m 1777 /var/lib/postgresql/data /var/run/postgresql
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/usr/lib/postgresql/15/bin \
    LANG=C.UTF-8 PGDATA=/var/lib/postgresql/data
COPY docker-entrypoint.sh /usr/local/bin/
VOLUME /var/lib/postgresql/data
ENTRYPOINT ["docker-entrypoint.sh"]
STOPSIGNAL SIGINT
EXPOSE 5432
CMD ["postgres"]
DOCKERFILE
  docker build -q -t postgres:15 "$work" >/dev/null
}

for image in debian:bookworm-slim python:3.11-slim-bookworm golang:1.26-bookworm postgres:15; do
  if docker image inspect "$image" >/dev/null 2>&1; then echo "$image: there"
  elif [ -z "${FORCE_BUILD:-}" ] && timeout 60 docker pull -q "$image" >/dev/null 2>&1; then echo "$image: pulled"
  else
    SECONDS=0
    "make_${image%%:*}"
    echo "$image: made from Debian's packages in $SECONDS s"
  fi
done
