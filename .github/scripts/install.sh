#!/usr/bin/env bash
# Installs what a GitHub runner lacks for the other scripts: the OCI CLI, and QEMU where an image for another architecture
# is built.
#
# Usage: .github/scripts/install.sh
. "$(dirname "$0")/common.sh"

python3 -m venv "$HOME/.oci-cli"
"$HOME/.oci-cli/bin/pip" install --quiet --disable-pip-version-check "oci-cli==$OCI_CLI_VERSION"
echo "$HOME/.oci-cli/bin" >>"${GITHUB_PATH:-/dev/null}"
if [ "${APPLICATION_SHAPE:-}" = GENERIC_X86_ARM ]; then
  sudo apt-get update -qq
  sudo apt-get install -qq -y qemu-user-static
fi
