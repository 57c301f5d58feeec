#!/bin/sh
# Publishes one ticket event, or a batch, with curl: PRAZO_TOKEN=… publish_event.sh URL FILE.json
#
# FILE.json is one CloudEvent, or a JSON array of up to 100. Make an event's id when the thing happens and keep it: the same
# event may be sent any number of times and is taken once. curl repeats by itself what may be repeated (408, 429, 5xx, no
# connection) and waits as Retry-After says. The token goes by standard input, so that no list of processes shows it.
# Exit code 0: every event is durable. 22: refused; standard output says which field breaks which rule.
set -eu
url=$1 file=$2
case $(tr -d '[:space:]' <"$file" | head -c 1) in
'[') type=application/cloudevents-batch+json ;;
*) type=application/cloudevents+json ;;
esac
printf 'header = "Authorization: Bearer %s"\n' "$PRAZO_TOKEN" |
    curl --config - --silent --show-error --fail-with-body --max-time 60 \
        --retry 8 --retry-connrefused --retry-max-time 600 \
        --header "Content-Type: $type" --data-binary "@$file" "$url/v1/events"
