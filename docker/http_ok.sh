#!/bin/bash
# Exit 0 if an HTTP server of this container answers 200: `http_ok PORT PATH [print]`. For health checks: it starts no
# interpreter and needs no curl in the image. HTTP_OK_HOST names another host than 127.0.0.1.
exec 3<>"/dev/tcp/${HTTP_OK_HOST:-127.0.0.1}/$1" || exit 1
printf 'GET %s HTTP/1.0\r\nHost: localhost:%s\r\nConnection: close\r\n\r\n' "$2" "$1" >&3
answer=$(timeout 8 cat <&3)
[[ $answer == HTTP/1.?\ 200* ]] || { echo "${answer%%$'\n'*}"; exit 1; }
[ -z "${3:-}" ] || printf '%s\n' "$answer"
