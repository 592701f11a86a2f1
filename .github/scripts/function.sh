# shellcheck shell=bash disable=SC2034
# The deployed function: found, awaited, invoked. Sourced, not run; needs settings.

# find_application, find_function: set APP or FN to what is there (JSON), or to nothing.
find_application() {
  APP=$(cloud fn application list --compartment-id "$COMPARTMENT_OCID" --display-name "$APPLICATION" --all | in_use)
}
find_function() {
  FN=$(cloud fn function list --application-id "$(jq -r .id <<<"$APP")" --display-name "$NAME" --all | in_use)
}

WAIT=(--wait-for-state ACTIVE --max-wait-seconds 300 --wait-interval-seconds "${WAIT_SECONDS:-2}")

# await FUNCTION_ID: until a change that somebody else began has come to its end. Sets FN and ETAG.
await() {
  local answer state
  for ((tries = 0; tries < 60; tries++)); do
    answer=$(ask fn function get --function-id "$1")
    if jq -e .error <<<"$answer" >/dev/null; then refuse "$answer" "oci fn function get"; fi
    FN=$(jq -c .data <<<"$answer") ETAG=$(jq -r .etag <<<"$answer")
    state=$(jq -r '."lifecycle-state"' <<<"$FN")
    case $state in
      ACTIVE) return ;;
      UPDATING | CREATING) say "The function is $state; waiting." && sleep "${WAIT_SECONDS:-2}" ;;
      *) fail "The function is $state, and cannot be changed." ;;
    esac
  done
  fail "The function is $state for too long. Look at it in the console, and start again."
}

# set_image FUNCTION_ID IMAGE DIGEST ETAG: nothing but the image, and proof that it is the one.
set_image() {
  cloud fn function update --function-id "$1" --image "$2" --image-digest "$3" --if-match "$4" --force "${WAIT[@]}" >/dev/null
  await "$1"
  [ "$(jq -r '."image-digest"' <<<"$FN")" = "$3" ] || fail "The function was updated, and does not run $3."
}

# smoke FUNCTION_ID: invokes with an empty body, the health check, which writes nothing. Sets SMOKE to "ok", or to the
# error's code, and SMOKE_MESSAGE to what it means.
smoke() {
  local errors=$SCRATCH/smoke out try
  SMOKE=ok SMOKE_MESSAGE=
  for try in 1 2 3 4; do
    # Its own retries would take minutes, and a failed function does not mend itself.
    if out=$(oci fn function invoke --function-id "$1" --body "" --file - --no-retry --read-timeout 300 2>"$errors"); then
      if jq -e '.status == "ok"' <<<"$out" >/dev/null 2>&1; then return 0; fi
      SMOKE=UnexpectedAnswer SMOKE_MESSAGE="It answered: ${out:0:300}"
      return 1
    fi
    SMOKE=$(sed -n '/^{/,/^}/p' "$errors" | jq -r '.code // empty')
    SMOKE=${SMOKE:-NoAnswer}
    SMOKE_MESSAGE=$(meaning "$SMOKE")
    case $SMOKE in
      TooManyRequests | FunctionInvokeServiceUnavailable) ((try == 4)) || sleep $((try * ${WAIT_SECONDS:-2})) ;;
      *) return 1 ;;
    esac
  done
  return 1
}

# meaning CODE: what an error of an invoke means, and what to do.
meaning() {
  case $1 in
    FunctionInvokeImageNotAvailable) echo "The platform could not pull the image. The network comes first: the subnet's route to a service gateway for All … Services, and egress on 443; then the image's digest and the repository." ;;
    FunctionInvokeExecutionFailed) echo "The function runs, and failed: its log says why and what mends it (code and remedy of the closing line). Mostly the secret, its policy, or the way to the database." ;;
    FunctionInvokeExecutionError) echo "The container died in the call. More memory in func.yaml may help; the log has its last words." ;;
    FunctionInvokeInvalidResponse) echo "The container answered outside the platform's contract. The image is not this project's, or is broken." ;;
    FunctionInvokeContainerInitFail) echo "The container ended before it listened. The image is broken: run it as the README's image test does." ;;
    FunctionInvokeContainerInitTimeout) echo "The container did not listen in time. More memory in func.yaml makes it start sooner." ;;
    FunctionInvokeTimeout) echo "No answer before the timeout. The way to Vault or to the database swallows packets, or the timeout in func.yaml is too short." ;;
    FunctionInvokeImagePullTimeout) echo "The image took too long to pull: it is too large, or the way to the registry is slow." ;;
    FunctionInvokeSubnetNotAvailable) echo "The subnet or its DHCP options are gone, or the Functions service may not use them." ;;
    FunctionInvokeSubnetOutOfIPs) echo "The subnet has no free addresses. Use a larger one; that takes a new application." ;;
    FunctionInvokeSubnetConfigError) echo "The subnet's own DNS resolver cannot be reached." ;;
    FunctionInvokeTooManyMatchingDGs) echo "The function is in too many dynamic groups." ;;
    FunctionInvokeServiceUnavailable) echo "OCI has no capacity at the moment. Start again later." ;;
    TooManyRequests) echo "The tenancy's limit of concurrent memory is reached." ;;
    NotAuthorizedOrNotFound) echo "The function is not there, or this user may not invoke it (fn-invocation)." ;;
    NotAuthenticated) echo "The credentials are not accepted." ;;
    *) echo "It is not among the codes that Oracle documents; the doctor's lines below may tell." ;;
  esac
}
