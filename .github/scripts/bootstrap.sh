#!/usr/bin/env bash
# What an administrator does once, so that the workflows need no rights to do it: the policies and the dynamic group, and
# on request the network. Can be run again without harm; changes only what differs. Cloud Shell has what it needs.
#
# Usage: .github/scripts/bootstrap.sh [--dry-run] [--network]
#   --dry-run   prints each statement and command, and changes nothing
#   --network   also makes a VCN with a private subnet from which images can be pulled and the database reached
# Environment:
#   OCI_CLI_TENANCY       OCID of the tenancy (Cloud Shell: OCI_TENANCY will do)
#   COMPARTMENT_OCID      compartment of function, application and repository
#   DB_SECRET_OCID        the secret that the function may read, and no other
#   SECRET_COMPARTMENT_OCID  the secret's compartment, when it is another
#   NETWORK_COMPARTMENT_OCID the subnets' compartment, when it is another
#   CI_GROUP              group of the user that the workflows act as; default CI-CD-Deployers, which must exist
#   REPOSITORY_NAME       default: the function's name in func.yaml
#   with --network: VCN_CIDR (default 10.1.0.0/16), SUBNET_CIDR (10.1.1.0/24), DB_CIDR (the database's address or network,
#   such as 10.0.0.146/32), DB_PORT (5432), DRG_OCID (the gateway that leads to it, when it is in another VCN)
# Needs oci and jq.
. "$(dirname "$0")/common.sh"

DRY_RUN='' NETWORK=''
for option in "$@"; do
  case $option in
    --dry-run) DRY_RUN=1 ;;
    --network) NETWORK=1 ;;
    *) fail "Unknown option $option. Usage: bootstrap.sh [--dry-run] [--network]" ;;
  esac
done
require_tools oci jq

NAME=$(sed -n "s/^name: *//p" "$ROOT/func.yaml")
TENANCY=${OCI_CLI_TENANCY:-${OCI_TENANCY:-}}
REPOSITORY=${REPOSITORY_NAME:-$NAME}
CI_GROUP=${CI_GROUP:-CI-CD-Deployers}
SECRET_COMPARTMENT=${SECRET_COMPARTMENT_OCID:-${COMPARTMENT_OCID:-}}
NETWORK_COMPARTMENT=${NETWORK_COMPARTMENT_OCID:-${COMPARTMENT_OCID:-}}
FUNCTIONS_GROUP=$NAME-functions

missing=()
[[ $TENANCY = ocid1.tenancy.* ]] || missing+=("OCI_CLI_TENANCY: the tenancy's OCID")
[[ ${COMPARTMENT_OCID:-} = ocid1.compartment.* ]] || missing+=("COMPARTMENT_OCID: the OCID of the function's compartment, which should not be the root")
[[ ${DB_SECRET_OCID:-} = ocid1.vaultsecret.* ]] || missing+=("DB_SECRET_OCID: the OCID of the secret with the database's credentials")
[ -z "$NETWORK" ] || [[ ${DB_CIDR:-} =~ ^([0-9]+\.){3}[0-9]+/[0-9]+$ ]] || missing+=("DB_CIDR: the database's address or network, such as 10.0.0.146/32")
((${#missing[@]} == 0)) || fail "Nothing was changed. Missing or wrong:$(printf '\n  - %s' "${missing[@]}")"

# change WHAT ARGS...: says what it does, and does it unless this is a dry run; prints what came of it.
change() {
  local what=$1
  shift
  if [ -n "$DRY_RUN" ]; then
    say "would $what:"
    say "  oci$(printf ' %q' "$@")"
    echo '{"id": "(made by the command above)"}'
  else
    cloud "$@"
    say "✔ $what"
  fi
}

same() { say "✔ $1 is as it should be"; }

# policy COMPARTMENT NAME DESCRIPTION STATEMENT...
policy() {
  local compartment=$1 name=$2 description=$3 statements found
  shift 3
  statements=$(jq -cn '$ARGS.positional' --args "$@")
  say "policy $name, in $compartment:"
  say "$(printf '  %s\n' "$@")"
  found=$(cloud iam policy list --compartment-id "$compartment" --name "$name" --all | in_use)
  if [ -z "$found" ]; then
    change "create the policy $name" iam policy create --compartment-id "$compartment" --name "$name" --description "$description" --statements "$statements" >/dev/null
  elif jq -e --argjson statements "$statements" '(.statements | sort) != ($statements | sort)' <<<"$found" >/dev/null; then
    change "set the statements of the policy $name" iam policy update --policy-id "$(jq -r .id <<<"$found")" --statements "$statements" --version-date "" --force >/dev/null
  else
    same "the policy $name"
  fi
}

dynamic_group() {
  local rule="ALL {resource.type = 'fnfunc', resource.compartment.id = '$COMPARTMENT_OCID'}" found
  say "dynamic group $FUNCTIONS_GROUP: $rule"
  found=$(cloud iam dynamic-group list --compartment-id "$TENANCY" --name "$FUNCTIONS_GROUP" --all | in_use)
  if [ -z "$found" ]; then
    change "create the dynamic group $FUNCTIONS_GROUP" iam dynamic-group create --name "$FUNCTIONS_GROUP" \
      --description "Functions of one compartment" --matching-rule "$rule" >/dev/null
  elif [ "$(jq -r '."matching-rule"' <<<"$found")" != "$rule" ]; then
    change "set the rule of the dynamic group $FUNCTIONS_GROUP" iam dynamic-group update --dynamic-group-id "$(jq -r .id <<<"$found")" \
      --matching-rule "$rule" --force >/dev/null
  else
    same "the dynamic group $FUNCTIONS_GROUP"
  fi
}

# resource KIND COMPARTMENT NAME CREATE_ARGS...: the one of that name, made where it is missing. Prints it.
resource() {
  local kind=$1 compartment=$2 name=$3 found
  shift 3
  found=$(cloud network "$kind" list --compartment-id "$compartment" --all |
    jq -c --arg name "$name" '[(. // [])[] | select(."display-name" == $name)]' | in_use)
  if [ -n "$found" ]; then
    say "✔ the $kind $name is there"
    echo "$found"
  else
    change "create the $kind $name" network "$kind" create --display-name "$name" "$@"
  fi
}

# rules KIND ID_OPTION FIELD WANTED: adds to the resource on stdin those rules that it lacks, and leaves what else it has.
# Prints its id.
rules() {
  local kind=$1 option=$2 field=$3 wanted=$4 found id all
  found=$(cat)
  id=$(jq -r .id <<<"$found")
  all=$(jq -c --arg field "$field" --argjson wanted "$wanted" '
    def camel: gsub("-(?<letter>[a-z])"; .letter | ascii_upcase);
    if has($field) then (.[$field] | walk(if type == "object" then with_entries(select(.value != null) | .key |= camel) else . end)) as $has
      | $wanted - [$wanted[] | . as $rule | select(any($has[]; contains($rule)))] | select(. != []) | $has + . else empty end' <<<"$found")
  [ -z "$all" ] || change "add what the $kind lacks" network "$kind" update "$option" "$id" "--$field" "$all" --force >/dev/null
  echo "$id"
}

network() {
  local service services vcn gateway compartment wanted routes list subnet here=$NETWORK_COMPARTMENT port=${DB_PORT:-5432}
  local vcn_cidr=${VCN_CIDR:-10.1.0.0/16}
  if [ -n "${DRG_OCID:-}" ] && jq -en -L "$ROOT/.github/scripts" 'include "cidr"; $ARGS.positional | .[0] as $db | .[1] | overlaps($db)' --args "$DB_CIDR" "$vcn_cidr" >/dev/null; then
    fail "VCN_CIDR $vcn_cidr overlaps DB_CIDR $DB_CIDR: the DRG could not tell them apart. Choose another VCN_CIDR and SUBNET_CIDR."
  fi
  service=$(cloud network service list --all | jq -c '[.[] | select(.name | test("^All .* Services"; "i"))] | first')
  vcn=$(resource vcn "$here" "$NAME" --compartment-id "$here" --cidr-blocks "[\"$vcn_cidr\"]" | jq -r .id)
  services=$(jq -c '[{serviceId: .id}]' <<<"$service")
  gateway=$(resource service-gateway "$here" "$NAME" --compartment-id "$here" --vcn-id "$vcn" --services "$services" |
    rules service-gateway --service-gateway-id services "$services")
  if [ -n "${DRG_OCID:-}" ]; then
    # An attachment is in its gateway's compartment.
    compartment=$(cloud network drg get --drg-id "$DRG_OCID" | jq -r '."compartment-id"')
    resource drg-attachment "$compartment" "$NAME" --drg-id "$DRG_OCID" --vcn-id "$vcn" >/dev/null
  fi
  wanted=$(jq -c --arg gateway "$gateway" --arg drg "${DRG_OCID:-}" --arg database "$DB_CIDR" '
    [{destination: ."cidr-block", destinationType: "SERVICE_CIDR_BLOCK", networkEntityId: $gateway}] +
    if $drg == "" then [] else [{destination: $database, destinationType: "CIDR_BLOCK", networkEntityId: $drg}] end' <<<"$service")
  routes=$(resource route-table "$here" "$NAME" --compartment-id "$here" --vcn-id "$vcn" --route-rules "$wanted" |
    rules route-table --rt-id route-rules "$wanted")
  wanted=$(jq -c --arg database "$DB_CIDR" --argjson port "$port" '
    def tcp($port): {protocol: "6", tcpOptions: {destinationPortRange: {min: $port, max: $port}}};
    [{destination: ."cidr-block", destinationType: "SERVICE_CIDR_BLOCK"} + tcp(443), {destination: $database, destinationType: "CIDR_BLOCK"} + tcp($port)]' <<<"$service")
  list=$(resource security-list "$here" "$NAME" --compartment-id "$here" --vcn-id "$vcn" --ingress-security-rules '[]' --egress-security-rules "$wanted" |
    rules security-list --security-list-id egress-security-rules "$wanted")
  subnet=$(resource subnet "$here" "$NAME" --compartment-id "$here" --vcn-id "$vcn" --cidr-block "${SUBNET_CIDR:-10.1.1.0/24}" \
    --prohibit-public-ip-on-vnic true --route-table-id "$routes" --security-list-ids "[\"$list\"]" | jq -r .id)
  say "SUBNET_OCIDS=$subnet"
  [ -z "${DRG_OCID:-}" ] || say "On the database's side, its owner adds: a route to ${SUBNET_CIDR:-10.1.1.0/24} by the DRG, ingress from it on $port, and the attachment of that VCN to the DRG. The doctor checks them."
}

# The workflows: all they do is in one compartment, and the name of the tenancy's namespace.
policy "$COMPARTMENT_OCID" "$NAME-ci" "What the workflows of $NAME may do" \
  "Allow group $CI_GROUP to manage functions-family in compartment id $COMPARTMENT_OCID" \
  "Allow group $CI_GROUP to manage repos in compartment id $COMPARTMENT_OCID"
policy "$NETWORK_COMPARTMENT" "$NAME-network" "Subnets for $NAME" \
  "Allow group $CI_GROUP to use virtual-network-family in compartment id $NETWORK_COMPARTMENT" \
  "Allow service faas to use virtual-network-family in compartment id $NETWORK_COMPARTMENT"
policy "$TENANCY" "$NAME-namespace" "The one look-up that no compartment has" \
  "Allow group $CI_GROUP to read objectstorage-namespaces in tenancy"
policy "$COMPARTMENT_OCID" "$NAME-image" "The Functions service pulls the image of $NAME" \
  "Allow service faas to read repos in compartment id $COMPARTMENT_OCID where target.repo.name = '$REPOSITORY'"

# The function itself.
dynamic_group
policy "$SECRET_COMPARTMENT" "$NAME-runtime" "$NAME reads its one secret" \
  "Allow dynamic-group $FUNCTIONS_GROUP to read secret-bundles in compartment id $SECRET_COMPARTMENT where target.secret.id = '$DB_SECRET_OCID'"

[ -z "$NETWORK" ] || network
say "Done. Policies and groups can take 15 minutes to be known everywhere."
