#!/usr/bin/env bash
# Creates the function and what it needs, or brings them to what func.yaml and the environment say; then proves it.
# Can be run again without harm. Everything is checked before anything changes.
#
# Usage: .github/scripts/provision.sh
# Environment: README.md, "Deploy". Needs oci, yq (mikefarah's, 4), jq, curl, git and docker.
# Exit: 0 when the function answers its health check.
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/settings.sh"
. "$(dirname "$0")/registry.sh"
. "$(dirname "$0")/image.sh"
. "$(dirname "$0")/function.sh"

check_application() {
  local difference keys
  find_application
  [ -n "$APP" ] || return 0
  APP=$(cloud fn application get --application-id "$(jq -r .id <<<"$APP")") # a list leaves its configuration out
  difference=$(jq -r --arg shape "$SHAPE" --argjson subnets "$SUBNETS" '
    if .shape != $shape then "  - its shape is \(.shape), and APPLICATION_SHAPE is \($shape)" else empty end,
    if (."subnet-ids" | sort) != ($subnets | sort) then "  - its subnets are \(."subnet-ids" | join(", ")), and SUBNET_OCIDS is \($subnets | join(", "))" else empty end' <<<"$APP")
  [ -z "$difference" ] || fail "The application $APPLICATION cannot become what is asked for:
$difference
  OCI cannot change shape or subnets of an application. Set the variables to what it has, or choose another APPLICATION_NAME, which makes a new one; then delete the old one:
  oci fn application delete --application-id $(jq -r .id <<<"$APP")"
  keys=$(jq -r '.config // {} | keys | join(", ")' <<<"$APP")
  [ -z "$keys" ] || fail "The application $APPLICATION has configuration of its own ($keys), which would reach the function beside func.yaml's. Move it to func.yaml, and remove it there:
  oci fn application update --application-id $(jq -r .id <<<"$APP") --config '{}' --force"
}

check_repository() {
  local elsewhere
  REPO=$(cloud artifacts container repository list --compartment-id "$COMPARTMENT_OCID" --display-name "$REPOSITORY" --all | in_use)
  [ -z "$REPO" ] || return 0
  # Names are unique in a tenancy. Whether another compartment has it may be hidden from this user.
  elsewhere=$(ask artifacts container repository list --compartment-id "${OCI_CLI_TENANCY:-$COMPARTMENT_OCID}" --compartment-id-in-subtree true --display-name "$REPOSITORY" --all |
    jq -c '.data // []' | in_use)
  [ -z "$elsewhere" ] || fail "$(in_another_compartment "$elsewhere")"
}

in_another_compartment() {
  jq -r --arg here "$COMPARTMENT_OCID" '"The repository \(."display-name") is in another compartment (\(."compartment-id")\(
    if ."compartment-id" | startswith("ocid1.tenancy.") then ", the root: a push to a missing repository makes it there" else "" end
    )), where rights in the function'"'"'s compartment do not reach. As an administrator, move it here:
  oci artifacts container repository change-compartment --repository-id \(.id) --compartment-id \($here)"' <<<"$1"
}

check_network() {
  local id
  while IFS= read -r id; do cloud network subnet get --subnet-id "$id" >/dev/null; done < <(jq -r '.[]' <<<"$SUBNETS")
  while IFS= read -r id; do cloud network nsg get --nsg-id "$id" >/dev/null; done < <(jq -r '.[]' <<<"$NSGS")
}

apply_repository() {
  if [ -n "$REPO" ]; then
    report "Repository \`$REPOSITORY\` left as it is"
    return
  fi
  local answer
  answer=$(ask artifacts container repository create --compartment-id "$COMPARTMENT_OCID" --display-name "$REPOSITORY" --is-public false \
    --wait-for-state AVAILABLE --wait-interval-seconds "${WAIT_SECONDS:-2}")
  case $(jq -r '.error.status // "ok"' <<<"$answer") in
    ok) report "Repository \`$REPOSITORY\` created in the function's compartment" ;;
    409) fail "The repository $REPOSITORY exists in a compartment that this user may not look into, probably the root. As an administrator, find and move it:
  oci artifacts container repository list --compartment-id $OCI_CLI_TENANCY --compartment-id-in-subtree true --display-name $REPOSITORY
  oci artifacts container repository change-compartment --repository-id REPOSITORY_OCID --compartment-id $COMPARTMENT_OCID" ;;
    *) refuse "$answer" "oci artifacts container repository create" ;;
  esac
}

apply_application() {
  local id
  if [ -z "$APP" ]; then
    APP=$(cloud fn application create --compartment-id "$COMPARTMENT_OCID" --display-name "$APPLICATION" --shape "$SHAPE" \
      --subnet-ids "$SUBNETS" --network-security-group-ids "$NSGS" "${WAIT[@]}")
    report "Application \`$APPLICATION\` created, $SHAPE"
  elif jq -e --argjson nsgs "$NSGS" '(."network-security-group-ids" // [] | sort) != ($nsgs | sort)' <<<"$APP" >/dev/null; then
    id=$(jq -r .id <<<"$APP")
    cloud fn application update --application-id "$id" --network-security-group-ids "$NSGS" --force "${WAIT[@]}" >/dev/null
    report "Application \`$APPLICATION\` changed: network security groups"
  else
    report "Application \`$APPLICATION\` left as it is"
  fi
}

apply_function() {
  local changes
  find_function
  if [ -z "$FN" ]; then
    FN=$(cloud fn function create --application-id "$(jq -r .id <<<"$APP")" --display-name "$NAME" --image "$IMAGE" --image-digest "$DIGEST" \
      --memory-in-mbs "$MEMORY" --timeout-in-seconds "$TIMEOUT" --config "$CONFIG" "${WAIT[@]}")
    report "Function \`$NAME\` created"
    return
  fi
  await "$(jq -r .id <<<"$FN")"
  changes=$(jq -r --argjson memory "$MEMORY" --argjson timeout "$TIMEOUT" --argjson config "$CONFIG" --arg digest "$DIGEST" '
    [if ."memory-in-mbs" != $memory then "memory \(."memory-in-mbs") → \($memory)" else empty end,
     if ."timeout-in-seconds" != $timeout then "timeout \(."timeout-in-seconds") → \($timeout)" else empty end,
     if ."image-digest" != $digest then "image" else empty end,
     ((.config // {}) as $has | ($has + $config | keys[]) as $key | select($has[$key] != $config[$key]) |
       "config \($key) \(if $config[$key] == null then "removed" elif $has[$key] == null then "added" else "changed" end)")] | join(", ")' <<<"$FN")
  if [ -z "$changes" ]; then
    report "Function \`$NAME\` left as it is"
    return
  fi
  FN=$(cloud fn function update --function-id "$(jq -r .id <<<"$FN")" --image "$IMAGE" --image-digest "$DIGEST" \
    --memory-in-mbs "$MEMORY" --timeout-in-seconds "$TIMEOUT" --config "$CONFIG" --if-match "$ETAG" --force "${WAIT[@]}")
  report "Function \`$NAME\` changed: $changes"
}

require_tools oci yq jq curl git docker
settings provision
docker info >/dev/null 2>&1 || fail "Docker does not run here, and is needed to build the image: start it."
check_application
check_repository
check_network

apply_repository
publish_image
apply_application
apply_function

if ! smoke "$(jq -r .id <<<"$FN")"; then
  report "**The function does not answer: $SMOKE.** $SMOKE_MESSAGE"
  SMOKE=$SMOKE "$ROOT/.github/scripts/doctor.sh" || true
  fail "The function is deployed, and does not answer: $SMOKE. $SMOKE_MESSAGE"
fi
report "Health check: ok. Invoke it: \`oci fn function invoke --function-id $(jq -r .id <<<"$FN") --body '{\"name\":\"Test\"}' --file -\`"
