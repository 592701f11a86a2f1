# shellcheck shell=bash disable=SC2034
# What the container registry (OCIR) holds, read as any client does. Sourced, not run; needs settings.

# A token for the registry, got with the OCI CLI's own credentials: no auth token has to be made and kept.
registry_token() (
  unset OCI_CLI_ENDPOINT # raw-request takes none beside its target
  cloud raw-request --http-method GET --target-uri "$(registry_url)/20180419/docker/token" | jq -r '.token // .access_token'
)

# Only a registry on this machine, as tests have, is spoken to in the clear.
registry_url() {
  case $REGISTRY in
    127.0.0.1:*) echo "http://$REGISTRY" ;;
    *) echo "https://$REGISTRY" ;;
  esac
}

# manifest NAMESPACE REFERENCE: {"digest", "type", "platforms": ["linux/amd64"]} of a tag or a digest, or nothing.
manifest() {
  local base body head config
  base=$(registry_url)/v2/$1/$REPOSITORY
  body=$(mktemp -p "$SCRATCH") head=$(mktemp -p "$SCRATCH") config=$(mktemp -p "$SCRATCH")
  TOKEN=${TOKEN:-$(registry_token)}
  registry_get "$base/manifests/$2" "$body" "$head" || return 0
  if jq -e .manifests "$body" >/dev/null; then
    jq '[.manifests[].platform | "\(.os)/\(.architecture)"]' "$body" >"$config"
  else
    registry_get "$base/blobs/$(jq -r .config.digest "$body")" "$config.json" /dev/null ||
      fail "The registry has the manifest $2 and not its configuration."
    jq '["\(.os)/\(.architecture)"]' "$config.json" >"$config"
  fi
  jq -cn --slurpfile platforms "$config" --arg head "$(tr -d '\r' <"$head")" '
    def header($name): $head | split("\n")[] | select(ascii_downcase | startswith($name + ":")) | split(": ")[1];
    {digest: header("docker-content-digest"), type: header("content-type"), platforms: $platforms[0]}'
}

# The token goes in on stdin, where no list of processes shows it. Fails on 404 alone.
registry_get() {
  local status
  status=$(curl --silent --show-error --location --retry 3 --output "$2" --dump-header "$3" --write-out '%{http_code}' \
    --header 'Accept: application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.v2+json, application/vnd.docker.distribution.manifest.list.v2+json' \
    --config - "$1" <<<"header = \"Authorization: Bearer $TOKEN\"") || fail "The registry $REGISTRY cannot be reached."
  case $status in
    200) return 0 ;;
    404) return 1 ;;
    *) fail "The registry answered $status for $1: may this user read the repository $REPOSITORY?" ;;
  esac
}

# platforms_of SHAPE: what an image for it must have, no more and no less.
platforms_of() {
  case $1 in
    GENERIC_X86) echo '["linux/amd64"]' ;;
    GENERIC_ARM) echo '["linux/arm64"]' ;;
    GENERIC_X86_ARM) echo '["linux/amd64","linux/arm64"]' ;;
  esac
}
