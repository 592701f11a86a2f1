# shellcheck shell=bash disable=SC2034
# func.yaml and the environment, as one set of settings; all that is wrong or missing is named at once. Sourced, not run.
#
# Usage: settings provision|update|doctor
# Environment: see the table in README.md, "Deploy".
# Sets NAME, VERSION, MEMORY, TIMEOUT, CONFIG (JSON, the function's whole configuration), APPLICATION, SHAPE, SUBNETS and
# NSGS (JSON), REPOSITORY, REGISTRY.

# A key that no deployment carries over is refused: it would be for reference only, and soon be wrong.
# shellcheck disable=SC2016
MANIFEST_FAULTS='
  def keys_of($allowed; $at): keys[] | select(IN($allowed[]) | not) | "\($at)\(.) is not carried over by the deployment: remove it";
  def config_key: if test("^[A-Za-z_][A-Za-z0-9_]*$") | not then "config key \(.) must be letters, digits and _, and not begin with a digit"
    elif test("^(FN_|OCI_RESOURCE_PRINCIPAL_)") then "config key \(.) belongs to the platform" else empty end;
  keys_of(["schema_version", "name", "version", "runtime", "memory", "timeout", "config", "expects"]; ""),
  (.expects // {} | keys_of(["config"]; "expects.")),
  (.expects.config // [] | to_entries[] | .key as $i | .value | keys_of(["name", "required"]; "expects.config[\($i)].")),
  (if .schema_version != 20180708 then "schema_version must be 20180708" else empty end),
  (if (.name // "" | tostring | test("^[a-z0-9][a-z0-9._-]*$")) | not then "name must be lower case, as it is in image references" else empty end),
  (if (.version // "") == "" then "version is missing" else empty end),
  (if .runtime != "docker" then "runtime must be docker: the Dockerfile makes the image" else empty end),
  (if [.memory] | inside([128, 256, 512, 1024, 2048, 3072]) | not then "memory must be 128, 256, 512, 1024, 2048 or 3072 (MB)" else empty end),
  (if .timeout | type == "number" and . >= 5 and . <= 300 then empty else "timeout must be from 5 to 300 (seconds)" end),
  (.config // {} | to_entries[] | (.key | config_key), (if .value | type == "string" then empty else "config.\(.key) must be a string: put it in quotes" end)),
  (.expects.config // [] | .[] | .name // "" | config_key),
  (((.config // {} | keys) - ((.config // {} | keys) - [.expects.config // [] | .[].name]))[] | "\(.) is in config and in expects.config: choose one")'

settings() {
  local purpose=$1 manifest name fault faults=()
  oci fn function create --generate-full-command-json-input | jq -e .image >/dev/null ||
    fail "This oci-cli, $(oci --version), has no 'oci fn function create --image'. Install the one that these scripts are for: pip install oci-cli==$OCI_CLI_VERSION"
  manifest=$(yq -o=json . "$ROOT/func.yaml") || fail "func.yaml is not YAML."
  while IFS= read -r fault; do faults+=("func.yaml: $fault"); done < <(jq -r "$MANIFEST_FAULTS" <<<"$manifest")
  # The list above is silent only when all of it was checked.
  jq "[$MANIFEST_FAULTS]" <<<"$manifest" >/dev/null 2>"$SCRATCH/manifest" ||
    faults+=("func.yaml: it is not made as a function's is: $(<"$SCRATCH/manifest")")

  NAME=$(jq -r .name <<<"$manifest")
  VERSION=$(jq -r .version <<<"$manifest")
  MEMORY=$(jq -r .memory <<<"$manifest")
  TIMEOUT=$(jq -r .timeout <<<"$manifest")
  APPLICATION=${APPLICATION_NAME:-$NAME}
  SHAPE=${APPLICATION_SHAPE:-GENERIC_X86}
  REPOSITORY=${REPOSITORY_NAME:-$NAME}
  REGISTRY=${OCIR_REGISTRY:-ocir.${OCI_CLI_REGION:-}.oci.oraclecloud.com}

  need() { # NAME PATTERN WHAT
    local value=${!1:-}
    if [ -z "$value" ]; then
      faults+=("$1 is missing: $3")
    elif ! [[ $value =~ ^($2)$ ]]; then
      faults+=("$1 is \"$value\", and should be $3")
    fi
  }
  need OCI_CLI_REGION '[a-z]+-[a-z0-9-]+-[0-9]+' "the region, such as eu-frankfurt-1"
  need COMPARTMENT_OCID 'ocid1\.(compartment|tenancy)\..+' "the OCID of the compartment for function, application and repository"
  [[ $SHAPE =~ ^GENERIC_(X86|ARM|X86_ARM)$ ]] || faults+=("APPLICATION_SHAPE is \"$SHAPE\", and should be GENERIC_X86, GENERIC_ARM or GENERIC_X86_ARM")
  [[ $REPOSITORY =~ ^[a-z0-9]+([._/-][a-z0-9]+)*$ ]] || faults+=("REPOSITORY_NAME is \"$REPOSITORY\", and should be lower case, as image references are")
  if [ "$purpose" = provision ]; then
    need SUBNET_OCIDS 'ocid1\.subnet\.[^ ,]+([ ,]+ocid1\.subnet\.[^ ,]+){0,2}' "the OCIDs of one to three subnets, separated by commas"
    [ -z "${NSG_OCIDS:-}" ] || need NSG_OCIDS 'ocid1\.networksecuritygroup\.[^ ,]+([ ,]+ocid1\.networksecuritygroup\.[^ ,]+)*' "OCIDs of network security groups, separated by commas"
  fi
  SUBNETS=$(list "${SUBNET_OCIDS:-}")
  NSGS=$(list "${NSG_OCIDS:-}")

  CONFIG=$(jq -c '.config // {}' <<<"$manifest")
  while IFS= read -r name; do
    [ -z "${!name:-}" ] || CONFIG=$(jq -c --arg name "$name" --arg value "${!name}" '.[$name] = $value' <<<"$CONFIG")
  done < <(jq -r '.expects.config // [] | .[].name' <<<"$manifest")
  if [ "$purpose" != update ]; then
    while IFS= read -r name; do
      [ -n "${!name:-}" ] || faults+=("$name is missing: func.yaml expects it of each environment (expects.config)")
    done < <(jq -r '.expects.config // [] | .[] | select(.required) | .name' <<<"$manifest")
    (($(jq -rj 'to_entries[] | .key, .value' <<<"$CONFIG" | wc -c) <= 4096)) || faults+=("func.yaml: config exceeds 4 KB, keys and values together")
  fi

  ((${#faults[@]} == 0)) || fail "Nothing was changed. To mend first:$(printf '\n  - %s' "${faults[@]}")"
}

# list "A, B C": ["A","B","C"]
list() { jq -Rc 'split("[ ,]+"; null) | map(select(. != ""))' <<<"$1"; }
