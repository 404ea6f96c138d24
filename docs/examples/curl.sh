#!/usr/bin/env bash
# Asks one question with curl and jq and prints the answer as it comes.
# Usage: PSYCHE_URL=http://127.0.0.1:8000/v1 bash curl.sh "How can I calm down before an exam?"
set -euo pipefail
url=${PSYCHE_URL:?set PSYCHE_URL to the endpoint that ends in /v1}
key=(-H "Authorization: Bearer ${PSYCHE_API_KEY:-none}")

model=$(curl -sS --fail-with-body "${key[@]}" "$url/models" | jq -r '.data[0].id')
jq -n --arg model "$model" --arg text "$1" \
  '{$model, messages: [{role: "user", content: $text}], temperature: 0.7, top_p: 0.9, max_tokens: 2048, stream: true}' |
  curl -sSN --fail-with-body "${key[@]}" -H 'Content-Type: application/json' -d @- "$url/chat/completions" |
  sed -un 's/^data: \({.*\)/\1/p' | # the events, without [DONE]
  jq --unbuffered -rj '.choices[0].delta.content // empty'
echo
