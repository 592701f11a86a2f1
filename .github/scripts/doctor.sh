#!/usr/bin/env bash
# Looks at a deployed function and all that it depends on; changes nothing. One line each: ✔ in order, ✖ with the command
# that mends it, ? not permitted to look or not to be told from here.
#
# Usage: .github/scripts/doctor.sh           gathers the facts, and judges them
#        .github/scripts/doctor.sh --facts   prints the facts alone (JSON; judged by doctor.jq)
# Environment: README.md, "Deploy". SMOKE is the outcome of an invoke that was just made. Needs oci, yq, jq and curl.
# Exit: 1 when there is any ✖.
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/settings.sh"
. "$(dirname "$0")/registry.sh"
. "$(dirname "$0")/function.sh"

# Facts are gathered side by side, each into a file of its own, since each costs a start of the CLI.
fact() {
  local file=$SCRATCH/facts/$1.json
  shift
  mkdir -p "${file%/*}"
  ask "$@" >"$file" &
}

# each NAME FIELD: of a fact's data, or nothing.
each() { jq -r ".data | $2 // empty" "$SCRATCH/facts/$1.json" 2>/dev/null || true; }

gather() {
  local id

  fact namespace os ns get
  fact application fn application list --compartment-id "$COMPARTMENT_OCID" --display-name "$APPLICATION" --all
  fact repository artifacts container repository list --compartment-id "$COMPARTMENT_OCID" --display-name "$REPOSITORY" --all
  if [ -n "${OCI_CLI_TENANCY:-}" ]; then
    fact repositories artifacts container repository list --compartment-id "$OCI_CLI_TENANCY" --compartment-id-in-subtree true --display-name "$REPOSITORY" --all
    fact groups iam dynamic-group list --compartment-id "$OCI_CLI_TENANCY" --all
    fact policies/tenancy iam policy list --compartment-id "$OCI_CLI_TENANCY" --all
  fi
  fact policies/compartment iam policy list --compartment-id "$COMPARTMENT_OCID" --all
  fact services network service list --all
  if [ -n "${DB_SECRET_OCID:-}" ]; then
    fact secret vault secret get --secret-id "$DB_SECRET_OCID"
    fact bundle secrets secret-bundle get --secret-id "$DB_SECRET_OCID"
  fi
  wait

  # Of the secret nothing but the database's place, and which fields are there, goes any further.
  if [ -f "$SCRATCH/facts/bundle.json" ]; then
    jq -c 'if .error then . else {data: (try (.data."secret-bundle-content".content | @base64d | fromjson |
      {host, port: (.port // 5432), fields: (to_entries | map(select(.value != null and .value != "") | .key))}) catch {})} end' "$SCRATCH/facts/bundle.json" >"$SCRATCH/bundle"
    mv "$SCRATCH/bundle" "$SCRATCH/facts/bundle.json"
  fi

  id=$(each secret '."compartment-id"')
  if [ -n "$id" ] && [ "$id" != "$COMPARTMENT_OCID" ]; then fact policies/secret iam policy list --compartment-id "$id" --all; fi
  APP=$(jq -c '.data // []' "$SCRATCH/facts/application.json" | in_use)
  [ -n "$APP" ] || return 0
  fact functions fn function list --application-id "$(jq -r .id <<<"$APP")" --display-name "$NAME" --all
  for id in $(jq -r '."subnet-ids"[]' <<<"$APP"); do fact "subnets/$id" network subnet get --subnet-id "$id"; done
  for id in $(jq -r '."network-security-group-ids"[]?' <<<"$APP"); do fact "nsgs/$id" network nsg rules list --nsg-id "$id" --all; done
  wait

  FN=$(jq -c '.data // []' "$SCRATCH/facts/functions.json" | in_use)
  if [ -n "$FN" ]; then
    fact function fn function get --function-id "$(jq -r .id <<<"$FN")"
    wait
    gather_image "$(each function .image)" "$(each function '."image-digest"')"
    if [ -z "${SMOKE:-}" ]; then smoke "$(jq -r .id <<<"$FN")" || true; fi
    jq -cn --arg code "$SMOKE" --arg meaning "$(meaning "$SMOKE")" '{data: {code: $code, meaning: $meaning}}' >"$SCRATCH/facts/invoke.json"
  fi

  for id in $(subnets '."route-table-id"'); do fact "routes/$id" network route-table get --rt-id "$id"; done
  for id in $(subnets '."security-list-ids"[]'); do fact "lists/$id" network security-list get --security-list-id "$id"; done
  for id in $(subnets '."dhcp-options-id"'); do fact "dhcp/$id" network dhcp-options get --dhcp-id "$id"; done
  for id in $(subnets '."vcn-id"'); do
    fact "vcns/$id" network vcn get --vcn-id "$id"
    fact "service-gateways/$id" network service-gateway list --compartment-id "$(subnets '."compartment-id"' | head -n 1)" --vcn-id "$id" --all
  done
  wait
  gather_way
}

# subnets FIELD: of the application's subnets, each value once.
subnets() { jq -r ".data // empty | $1 // empty" "$SCRATCH"/facts/subnets/*.json 2>/dev/null | sort -u; }

# gather_image IMAGE DIGEST: what the registry has under the digest that the function is pinned to.
gather_image() {
  local found
  REGISTRY=${1%%/*}
  if found=$(TOKEN=$(registry_token) && REPOSITORY=$(sed -E 's|^[^/]+/[^/]+/||; s|[:@].*$||' <<<"$1") manifest "$(cut -d/ -f2 <<<"$1")" "$2" 2>/dev/null); then
    jq -cn --argjson found "${found:-null}" '{data: $found}'
  else
    echo '{"error":{"status":null,"code":"NoAccess","message":"the registry may not be read by this user"}}'
  fi >"$SCRATCH/facts/image.json"
}

# The way to the database: what a DRG or a peering joins, on both sides.
gather_way() {
  local compartment drg id
  compartment=$(subnets '."compartment-id"' | head -n 1)
  [ -n "$compartment" ] || return 0
  fact attachments network drg-attachment list --compartment-id "$compartment" --all
  fact peerings network local-peering-gateway list --compartment-id "$compartment" --all
  fact all-vcns network vcn list --compartment-id "$compartment" --all
  fact all-subnets network subnet list --compartment-id "$compartment" --all
  wait
  for drg in $(each attachments '.[]."drg-route-table-id"' | sort -u); do
    fact "drg-routes/$drg" network drg-route-rule list --drg-route-table-id "$drg" --all
  done
  # The database's own side: its subnet, found by the address in the secret.
  for id in $(jq -r --slurpfile bundle "$SCRATCH/facts/bundle.json" -L "$ROOT/.github/scripts" 'include "cidr";
      ($bundle[0].data.host // "") as $host | .data // [] | .[] | select($host | is_address) | select(."cidr-block" | contains_address($host)) |
      "hub-routes/\(."route-table-id")", (."security-list-ids"[] | "hub-lists/\(.)")' "$SCRATCH/facts/all-subnets.json" 2>/dev/null | sort -u); do
    case $id in
      hub-routes/*) fact "$id" network route-table get --rt-id "${id#*/}" ;;
      hub-lists/*) fact "$id" network security-list get --security-list-id "${id#*/}" ;;
    esac
  done
  wait
}

# All facts as one document: a file is a key, a folder an object.
facts() {
  (cd "$SCRATCH/facts" && find . -name '*.json' -printf '%P\n' | while IFS= read -r file; do
    jq -c --arg path "${file%.json}" '{path: ($path | split("/")), value: .}' "$file"
  done) | jq -s --argjson wanted "$(jq -cn --arg name "$NAME" --arg application "$APPLICATION" --arg repository "$REPOSITORY" \
    --arg region "$OCI_CLI_REGION" --arg compartment "$COMPARTMENT_OCID" --arg secret "${DB_SECRET_OCID:-}" \
    --argjson memory "$MEMORY" --argjson timeout "$TIMEOUT" --argjson config "$CONFIG" --arg registry "$CONFIGURED_REGISTRY" '$ARGS.named')" \
    'reduce .[] as {$path, $value} ({wanted: $wanted}; setpath($path; $value))'
}

require_tools oci yq jq curl
settings doctor
CONFIGURED_REGISTRY=$REGISTRY
mkdir -p "$SCRATCH/facts"
gather
if [ "${1:-}" = --facts ]; then
  facts
  exit
fi
lines=$(facts | jq -r -L "$ROOT/.github/scripts" -f "$ROOT/.github/scripts/doctor.jq")
say "$lines"
[ -z "${GITHUB_STEP_SUMMARY:-}" ] || printf -- '    %s\n' "${lines//$'\n'/$'\n'    }" >>"$GITHUB_STEP_SUMMARY"
! grep -q '^✖' <<<"$lines"
