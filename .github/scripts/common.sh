# shellcheck shell=bash disable=SC2034
# What the scripts share: messages, and the OCI CLI with its answers told apart. Sourced, not run.
set -euo pipefail
shopt -s inherit_errexit

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
SCRATCH=$(mktemp -d)
trap 'rm -rf "$SCRATCH"' EXIT
# A later one makes functions by other options: its 3.95.1 has no --image.
OCI_CLI_VERSION=3.89.3
# GitHub hands over a variable that is not set as an empty one, which the CLI would take for a value.
for name in ${!OCI_CLI_@} ${!OIDC_@} ${!OCIR_@}; do [ -n "${!name}" ] || unset "$name"; done
export OCI_CLI_SUPPRESS_FILE_PERMISSIONS_WARNING=True SUPPRESS_LABEL_WARNING=True

# Progress goes to stderr: stdout is for what a script returns.
say() { printf '%s\n' "$*" >&2; }

fail() {
  say "✖ $*"
  [ -z "${GITHUB_ACTIONS:-}" ] || printf '::error::%s\n' "${*//$'\n'/%0A}"
  exit 1
}

# A line of the summary page, where there is one.
report() {
  say "$*"
  [ -z "${GITHUB_STEP_SUMMARY:-}" ] || printf -- '- %s\n' "$*" >>"$GITHUB_STEP_SUMMARY"
}

# require_tools NAME...: all that are missing, with what installs them, in one message.
require_tools() {
  local tool missing=()
  for tool in "$@"; do
    if ! command -v "$tool" >/dev/null; then
      missing+=("$tool")
    elif [ "$tool" = yq ] && ! yq --version 2>&1 | grep -q mikefarah; then
      missing+=("yq (the one at $(command -v yq) is another program of that name; this must be mikefarah's, version 4)")
    fi
  done
  ((${#missing[@]} == 0)) || fail "Missing: $(printf '%s, ' "${missing[@]}" | sed 's/, $//').
  oci: pip install oci-cli==$OCI_CLI_VERSION; yq: go install github.com/mikefarah/yq/v4@latest; jq, curl: your system's packages; docker: docker.com"
}

# ask ARGS...: the OCI CLI. Prints {"data", "etag"}, where data is null when there is nothing (the CLI then prints
# nothing at all), or {"error": {"status", "code", "message"}}. Succeeds in both cases.
ask() {
  local out errors rc=0
  errors=$(mktemp -p "$SCRATCH")
  out=$(oci "$@" 2>"$errors" </dev/null) || rc=$?
  if ((rc == 0)); then
    jq -c '{data: (.data // null), etag: (.etag // null)}' <<<"${out:-"{}"}"
  else
    sed -n '/^{/,/^}/p' "$errors" | jq -c '{error: {status, code, message}}' | grep . ||
      jq -Rsc '{error: {status: null, code: "NoAnswer", message: ([split("\n")[] | select(test("[a-z]"))] | [.[] | select(test("^[A-Za-z]*Error|ERROR"))][0] // last // "")}}' "$errors"
  fi
}

# cloud ARGS...: as ask, and prints the data alone; an error is explained, and ends the script.
cloud() {
  local answer
  answer=$(ask "$@")
  if jq -e .error <<<"$answer" >/dev/null; then refuse "$answer" "oci ${*:1:3}"; fi
  jq -c .data <<<"$answer"
}

# refuse ANSWER WHAT: explains an error of the OCI API, and ends the script.
refuse() {
  local status code message hint=
  { read -r status && read -r code && IFS= read -r message; } < <(jq -r '.error | .status, .code, (.message | gsub("\n"; " "))' <<<"$1")
  case $status in
    401) hint="The credentials are not accepted: check OCI_CLI_USER, OCI_CLI_TENANCY, OCI_CLI_FINGERPRINT, OCI_CLI_KEY_CONTENT and OCI_CLI_REGION, and that the key is still among the user's API keys." ;;
    404) hint="Either it is not there, or the policy does not allow this user to see or do it: check the OCIDs, and run .github/scripts/bootstrap.sh as an administrator (a change of policy can take a while)." ;;
    409) hint="Something else is changing it, or the name is taken. Wait, and start again." ;;
    412) hint="Something else has changed it meanwhile. Start again." ;;
    429) hint="OCI asked to slow down, and the retries did not help. Start again later." ;;
    5*) hint="OCI has a fault, and the retries did not help. Start again later." ;;
    null) hint="OCI was not reached, or the CLI is not set up." ;;
  esac
  fail "$2: $status $code: $message${hint:+
  $hint}"
}

# in_use: of the list on stdin, the one that is there and not on its way out, or nothing.
in_use() { jq -c '[(.items? // .)[]? | select(."lifecycle-state" | IN("ACTIVE", "AVAILABLE", "CREATING", "UPDATING", "PROVISIONING", "ATTACHED", "ATTACHING"))] | first // empty'; }
