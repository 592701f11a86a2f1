#!/usr/bin/env bash
# Replaces the image of a function that provision.sh made, and nothing else; proves that the new one answers, or puts the
# former one back.
#
# Usage: .github/scripts/update.sh
# Environment: README.md, "Deploy"; subnets and the function's configuration are not needed. Needs what provision.sh needs.
# Exit: 0 when the new image answers its health check.
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/settings.sh"
. "$(dirname "$0")/registry.sh"
. "$(dirname "$0")/image.sh"
. "$(dirname "$0")/function.sh"

require_tools oci yq jq curl git docker
settings update
find_application
[ -n "$APP" ] || fail "There is no application $APPLICATION in the compartment. Run provision-function first."
SHAPE=$(jq -r .shape <<<"$APP")
find_function
[ -n "$FN" ] || fail "There is no function $NAME in the application $APPLICATION. Run provision-function first."
id=$(jq -r .id <<<"$FN")

publish_image

await "$id"
former_image=$(jq -r .image <<<"$FN") former_digest=$(jq -r '."image-digest"' <<<"$FN")
drift=$(jq -r --argjson memory "$MEMORY" --argjson timeout "$TIMEOUT" --argjson config "$CONFIG" '
  [if ."memory-in-mbs" != $memory then "memory" else empty end, if ."timeout-in-seconds" != $timeout then "timeout" else empty end,
   ($config | to_entries[]) as {$key, $value} | select(.config[$key] != $value) | "config \($key)"] | join(", ")' <<<"$FN")
[ -z "$drift" ] || report "Not applied, since this changes the image alone: $drift. Run provision-function to apply func.yaml."

if [ "$former_digest" = "$DIGEST" ]; then
  report "Function \`$NAME\` runs this image already"
else
  set_image "$id" "$IMAGE" "$DIGEST" "$ETAG"
  report "Function \`$NAME\` changed: image \`$former_digest\` → \`$DIGEST\`"
fi
if smoke "$id"; then
  report "Health check: ok"
  exit
fi

reason="The new image does not answer: $SMOKE. $SMOKE_MESSAGE"
report "**$reason**"
SMOKE=$SMOKE "$ROOT/.github/scripts/doctor.sh" || true
[ "$former_digest" != "$DIGEST" ] || fail "The image does not answer, and was there before: $SMOKE. $SMOKE_MESSAGE"
set_image "$id" "$former_image" "$former_digest" "$ETAG"
report "Rolled back to \`$former_digest\`"
smoke "$id" || fail "$reason
  Rolled back to the former image, which does not answer either: $SMOKE. $SMOKE_MESSAGE So the cause is likely outside the image."
report "Health check of the former image: ok"
fail "$reason
  Rolled back to the former image, which answers."
