#!/usr/bin/env bash
# How a workflow becomes a user of OCI. With OIDC_DOMAIN_URL set, GitHub's word for the run (its OIDC token) is exchanged
# for a session of an hour, and no key of a user is stored anywhere; else the API key in OCI_CLI_* is used as it is.
# https://docs.oracle.com/en-us/iaas/Content/Identity/api-getstarted/json_web_token_exchange.htm
#
# Usage: .github/scripts/login.sh
# Environment: OIDC_DOMAIN_URL (of the identity domain), OIDC_CLIENT_ID and OIDC_CLIENT_SECRET (of its confidential
# application), OCI_CLI_TENANCY, OCI_CLI_REGION; what GitHub gives a job with `id-token: write`. Needs curl, jq, openssl.
. "$(dirname "$0")/common.sh"

if [ -z "${OIDC_DOMAIN_URL:-}" ]; then
  [ -n "${OCI_CLI_KEY_CONTENT:-}${OCI_CLI_KEY_FILE:-}" ] ||
    fail "There are no credentials: set the secrets OCI_CLI_USER, OCI_CLI_FINGERPRINT and OCI_CLI_KEY_CONTENT, or the OIDC_ ones (README.md, \"Deploy\")."
  say "An API key is used."
  exit
fi

require_tools curl jq openssl
missing=()
for name in OIDC_CLIENT_ID OIDC_CLIENT_SECRET OCI_CLI_TENANCY OCI_CLI_REGION; do [ -n "${!name:-}" ] || missing+=("$name"); done
((${#missing[@]} == 0)) || fail "OIDC_DOMAIN_URL is set, and missing is: ${missing[*]}"
[ -n "${ACTIONS_ID_TOKEN_REQUEST_TOKEN:-}" ] || fail "GitHub gives this job no OIDC token: it needs permissions: id-token: write."

# fetch WHAT CURL_ARGS...: the answer's body. What is secret comes by stdin, as curl's configuration.
fetch() {
  local what=$1 status
  shift
  status=$(curl --silent --show-error --retry 3 --output "$SCRATCH/answer" --write-out '%{http_code}' --config - "$@") || fail "$what cannot be reached."
  [ "$status" = 200 ] || fail "$what answered $status: $(jq -r '.error_description // .message // .error // empty' "$SCRATCH/answer" 2>/dev/null | head -c 300)"
  cat "$SCRATCH/answer"
}

session=${RUNNER_TEMP:-$HOME}/oci-session
umask 077
mkdir -p "$session"
openssl genrsa -out "$session/key.pem" 2048 2>/dev/null
public_key=$(openssl rsa -in "$session/key.pem" -pubout -outform DER 2>/dev/null | base64 -w0)
fingerprint=$(openssl rsa -in "$session/key.pem" -pubout -outform DER 2>/dev/null | openssl md5 -c | sed 's/.*= *//')

word=$(fetch "GitHub's OIDC provider" "$ACTIONS_ID_TOKEN_REQUEST_URL&audience=$OIDC_DOMAIN_URL" \
  <<<"header = \"Authorization: bearer $ACTIONS_ID_TOKEN_REQUEST_TOKEN\"" | jq -r .value)
fetch "The identity domain" "${OIDC_DOMAIN_URL%/}/oauth2/v1/token" >"$SCRATCH/session" <<TOKEN_REQUEST
user = "$OIDC_CLIENT_ID:$OIDC_CLIENT_SECRET"
data-urlencode = "grant_type=urn:ietf:params:oauth:grant-type:token-exchange"
data-urlencode = "requested_token_type=urn:oci:token-type:oci-upst"
data-urlencode = "subject_token_type=jwt"
data-urlencode = "subject_token=$word"
data-urlencode = "public_key=$public_key"
TOKEN_REQUEST
jq -rj .token "$SCRATCH/session" >"$session/token"
printf '[DEFAULT]\ntenancy=%s\nregion=%s\nfingerprint=%s\nkey_file=%s\nsecurity_token_file=%s\n' \
  "$OCI_CLI_TENANCY" "$OCI_CLI_REGION" "$fingerprint" "$session/key.pem" "$session/token" >"$session/config"
printf 'OCI_CLI_AUTH=security_token\nOCI_CLI_CONFIG_FILE=%s\n' "$session/config" >>"${GITHUB_ENV:-/dev/stdout}"
say "A session by GitHub's OIDC token is used."
