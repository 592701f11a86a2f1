# shellcheck shell=bash disable=SC2034
# The image of this commit: built and pushed unless it is there already, then looked at in the registry.
# Sourced, not run; needs settings and registry.sh.

# publish_image: sets IMAGE (with its tag) and DIGEST. The repository must exist.
publish_image() {
  local namespace commit platforms tag found
  namespace=$(cloud os ns get | jq -r .)
  commit=$(git -C "$ROOT" rev-parse HEAD)
  platforms=$(platforms_of "$SHAPE")
  # Of the commit and the architecture, so that a second run finds the image of the first.
  tag=$commit-$(jq -r 'map(ltrimstr("linux/")) | join("-")' <<<"$platforms")
  if [ -n "$(git -C "$ROOT" status --porcelain)" ]; then tag+=-changed-$(date -u +%Y%m%d%H%M%S); fi
  IMAGE=$REGISTRY/$namespace/$REPOSITORY:$tag

  TOKEN=$(registry_token)
  found=$(manifest "$namespace" "$tag")
  if [ -n "$found" ]; then
    say "The image of this commit is in the registry already."
  else
    build_and_push "$namespace" "$platforms" "$commit"
    found=$(manifest "$namespace" "$tag")
    [ -n "$found" ] || fail "The image was pushed, and the registry does not have it as $IMAGE."
  fi

  # What a function cannot be made from is refused here, where the reason can be told.
  jq -e --argjson wanted "$platforms" '(.platforms | sort) == $wanted' <<<"$found" >/dev/null ||
    fail "The image is for $(jq -r '.platforms | join(", ")' <<<"$found"), and the shape $SHAPE needs exactly $(jq -r 'join(", ")' <<<"$platforms").
  An entry unknown/unknown is an attestation of buildx: --provenance=false --sbom=false leave it out."
  jq -e --argjson wanted "$platforms" '(.type | test("index|list")) == ($wanted | length > 1)' <<<"$found" >/dev/null ||
    fail "The image of $SHAPE must be $(jq -r 'if length > 1 then "a list of one image for each architecture" else "one image, not a list" end' <<<"$platforms"), and is $(jq -r .type <<<"$found")."
  DIGEST=$(jq -r .digest <<<"$found")
  report "Image \`$IMAGE\`, \`$DIGEST\`"
}

build_and_push() {
  local namespace=$1 platforms=$2 commit=$3
  # An auth token is used where one is given; else the CLI's own credentials open the registry too.
  if [ -n "${OCIR_AUTH_TOKEN:-}" ]; then
    docker login "$REGISTRY" --username "${OCIR_USERNAME:?OCIR_AUTH_TOKEN needs OCIR_USERNAME, as namespace/user or namespace/domain/user}" --password-stdin <<<"$OCIR_AUTH_TOKEN" >&2
  else
    docker login "$REGISTRY" --username BEARER_TOKEN --password-stdin <<<"$TOKEN" >&2
  fi || fail "The registry $REGISTRY refused the login."
  if [ "$(jq length <<<"$platforms")" -gt 1 ]; then docker buildx create --use >&2; fi
  docker buildx build --platform "$(jq -r 'join(",")' <<<"$platforms")" --provenance=false --sbom=false \
    --label "org.opencontainers.image.version=$VERSION" --label "org.opencontainers.image.revision=$commit" \
    --tag "$IMAGE" --push "$ROOT" >&2 ||
    fail "The image could not be built or pushed, for the reason above. A push needs the right to manage repos in the repository's compartment."
}
